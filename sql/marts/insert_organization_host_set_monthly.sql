-- The union of an organization's days. Index: marts.organization_host_set_daily_date_idx.
INSERT INTO marts.organization_host_set_monthly
SELECT w.month, d.cluster_id, d.organization_id, d.check_mode, d.chunk, bit_or(d.hosts)
FROM (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM marts_day) w
JOIN marts.organization_host_set_daily d ON d.date >= w.month AND d.date < w.month + interval '1 month'
WHERE d.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

-- The union of a workload's pentads. Index: marts.host_set_pentad_pentad_idx.
INSERT INTO marts.host_set_monthly
SELECT w.month, p.cluster_id, p.workload_id, p.chunk, p.check_mode, bit_or(p.hosts)
FROM (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM marts_day) w
JOIN marts.host_set_pentad p ON p.pentad >= w.month AND p.pentad < w.month + interval '1 month'
WHERE p.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

-- The union of an organization's workloads. Index: marts.host_set_daily_date_idx.
INSERT INTO marts.organization_host_set_daily
SELECT d.date, d.cluster_id, w.organization_id, d.check_mode, d.chunk, bit_or(d.hosts)
FROM marts.host_set_daily d JOIN marts_day USING (date) JOIN marts.workload w USING (workload_id)
WHERE d.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

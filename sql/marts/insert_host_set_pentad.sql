-- The union of a workload's days. Index: marts.host_set_daily_date_idx.
INSERT INTO marts.host_set_pentad
SELECT w.pentad, d.cluster_id, d.workload_id, d.chunk, d.check_mode, bit_or(d.hosts)
FROM (SELECT DISTINCT marts.pentad(date) AS pentad FROM marts_day) w
JOIN marts.host_set_daily d ON d.date >= w.pentad AND d.date < marts.next_pentad(w.pentad)
WHERE d.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

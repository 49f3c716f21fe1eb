-- The sum of a workload's pentads by launcher. Index: marts.launches_pentad_pentad_idx.
INSERT INTO marts.launches_monthly
SELECT w.month, p.cluster_id, p.workload_id, p.user_id, sum(p.runs), sum(p.successful_runs), sum(p.hosts), p.check_mode,
    sum(p.elapsed_ms)
FROM (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM marts_day) w
JOIN marts.launches_pentad p ON p.pentad >= w.month AND p.pentad < w.month + interval '1 month'
WHERE p.cluster_id = %(cluster_id)s
GROUP BY w.month, p.cluster_id, p.workload_id, p.user_id, p.check_mode
ORDER BY w.month, p.workload_id, p.user_id

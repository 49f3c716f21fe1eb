-- The sum of a workload's days by launcher. Index: marts.launches_daily_date_idx.
INSERT INTO marts.launches_pentad
SELECT w.pentad, s.cluster_id, s.workload_id, d.user_id, sum(d.runs),
    COALESCE(sum(d.runs) FILTER (WHERE s.status = 'successful'), 0), sum(d.hosts), s.job_type = 'check', sum(d.elapsed_ms)
FROM (SELECT DISTINCT marts.pentad(date) AS pentad FROM marts_day) w
JOIN marts.launches_daily d ON d.date >= w.pentad AND d.date < marts.next_pentad(w.pentad)
JOIN marts.series s USING (series_id)
WHERE s.cluster_id = %(cluster_id)s
GROUP BY w.pentad, s.cluster_id, s.workload_id, d.user_id, s.job_type = 'check'
ORDER BY w.pentad, s.workload_id, d.user_id

-- Launches by day and organization. Index: marts.launches_daily_date_idx.
INSERT INTO marts.launcher_daily
SELECT d.date, s.cluster_id, s.organization_id, s.job_type = 'check', d.user_id, sum(d.runs),
    COALESCE(sum(d.runs) FILTER (WHERE s.status = 'successful'), 0), sum(d.hosts), sum(d.elapsed_ms)
FROM marts.launches_daily d JOIN marts_day USING (date) JOIN marts.series s USING (series_id)
WHERE s.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

-- Jobs and hosts by day and organization. Index: marts.run_daily_date_idx.
INSERT INTO marts.activity_daily
SELECT d.date, s.cluster_id, s.organization_id, s.job_type = 'check', sum(d.runs + d.runs_without_hosts), sum(d.hosts)
FROM marts.run_daily d JOIN marts_day USING (date) JOIN marts.series s USING (series_id)
WHERE s.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4

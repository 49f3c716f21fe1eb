-- The cluster's elapsed time of a month. Index: marts.run_monthly_month_idx.
INSERT INTO marts.platform_month
SELECT m.month, s.cluster_id, s.job_type = 'check', s.status, sum(m.elapsed_ms)
FROM (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM marts_day) w
JOIN marts.run_monthly m USING (month)
JOIN marts.series s USING (series_id)
WHERE s.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4

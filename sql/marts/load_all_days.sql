-- Every day on which core or the marts hold anything of one cluster.
INSERT INTO marts_day
SELECT d, marts.day_start(d, f.reporting_timezone), marts.day_start(d + 1, f.reporting_timezone)
FROM marts.formula f
CROSS JOIN LATERAL (
    SELECT (j.finished AT TIME ZONE f.reporting_timezone)::date AS d
    FROM archive.all_jobs j WHERE j.cluster_id = %(cluster_id)s AND j.finished IS NOT NULL
    UNION
    SELECT r.date FROM marts.run_daily r JOIN marts.series s USING (series_id)
    WHERE s.cluster_id = %(cluster_id)s
) days
ON CONFLICT (date) DO NOTHING

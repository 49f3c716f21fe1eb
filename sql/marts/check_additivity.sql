-- Clusters in which a month or a pentad differs from the sum of its days. Index: none, the marts are read whole.
WITH days AS (
    SELECT s.cluster_id, 'run_monthly' AS rollup, d.series_id AS key, 0 AS user_id,
        date_trunc('month', d.date::timestamp)::date AS starts, sum(d.runs) AS runs, sum(d.hosts) AS hosts,
        sum(d.elapsed_ms) AS ms, sum(d.manual_cents_as_recorded) AS cents
    FROM marts.recorded_daily d JOIN marts.series s USING (series_id)
    GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT s.cluster_id, r.rollup, s.workload_id, d.user_id, r.starts, sum(d.runs), sum(d.hosts), sum(d.elapsed_ms), 0
    FROM marts.launches_daily d JOIN marts.series s USING (series_id)
    CROSS JOIN LATERAL (VALUES ('launches_pentad', marts.pentad(d.date)),
        ('launches_monthly', date_trunc('month', d.date::timestamp)::date)) AS r (rollup, starts)
    GROUP BY 1, 2, 3, 4, 5
), rollups AS (
    SELECT s.cluster_id, 'run_monthly' AS rollup, m.series_id AS key, 0 AS user_id, m.month AS starts, m.runs, m.hosts,
        m.elapsed_ms AS ms, m.manual_cents_as_recorded AS cents
    FROM marts.run_monthly m JOIN marts.series s USING (series_id)
    UNION ALL
    SELECT cluster_id, 'launches_pentad', workload_id, user_id, pentad, sum(runs), sum(hosts), sum(elapsed_ms), 0
    FROM marts.launches_pentad GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT cluster_id, 'launches_monthly', workload_id, user_id, month, sum(runs), sum(hosts), sum(elapsed_ms), 0
    FROM marts.launches_monthly GROUP BY 1, 2, 3, 4, 5
)
SELECT cluster_id, format('%%s rows of %%s differ from their days', count(*), rollup)
FROM days d FULL JOIN rollups r USING (cluster_id, rollup, key, user_id, starts)
WHERE (d.runs, d.hosts, d.ms, d.cents) IS DISTINCT FROM (r.runs, r.hosts, r.ms, r.cents)
  AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s)
GROUP BY cluster_id, rollup

-- Clusters in which a sum to date, at the end of a month, differs from the days that it sums. Index: none, the marts are
-- read whole.
WITH days AS (
    SELECT s.cluster_id, 'workload' AS kind, s.workload_id AS key, 0 AS user_id,
        date_trunc('month', d.date::timestamp)::date AS month, sum(d.runs) AS runs, sum(d.hosts) AS hosts,
        sum(d.elapsed_ms) AS ms
    FROM marts.run_daily d JOIN marts.series s USING (series_id)
    GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT s.cluster_id, 'launcher', s.organization_id, d.user_id,
        date_trunc('month', d.date::timestamp)::date, sum(d.runs), sum(d.hosts), sum(d.elapsed_ms)
    FROM marts.launches_daily d JOIN marts.series s USING (series_id)
    GROUP BY 1, 2, 3, 4, 5
), to_date AS (
    SELECT cluster_id, 'workload' AS kind, workload_id AS key, 0 AS user_id,
        date_trunc('month', date::timestamp)::date AS month, runs, hosts, elapsed_ms AS ms
    FROM marts.workload_to_date WHERE extract(day FROM date + 1) = 1
    UNION ALL
    SELECT cluster_id, 'launcher', organization_id, user_id,
        date_trunc('month', date::timestamp)::date, runs, hosts, elapsed_ms
    FROM marts.launcher_to_date WHERE extract(day FROM date + 1) = 1
)
SELECT cluster_id, format('%%s months by workload and by launcher differ from their days', count(*))
FROM days FULL JOIN to_date USING (cluster_id, kind, key, user_id, month)
WHERE (days.runs, days.hosts, days.ms) IS DISTINCT FROM (to_date.runs, to_date.hosts, to_date.ms)
  AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s)
GROUP BY cluster_id

-- Clusters in which a sum to date, at the end of a month, differs from the days that it sums. Index: none, the marts are
-- read whole.
WITH days AS (
    SELECT s.cluster_id, s.organization_id, 'template' AS kind, s.job_template_id AS who, s.project_id AS at,
        date_trunc('month', d.date::timestamp)::date AS month, sum(d.runs) AS runs, sum(d.hosts) AS hosts,
        sum(d.elapsed_ms) AS ms
    FROM marts.run_daily d JOIN marts.series s USING (series_id)
    GROUP BY 1, 2, 3, 4, 5, 6
    UNION ALL
    SELECT s.cluster_id, s.organization_id, 'launcher', d.user_id, 0,
        date_trunc('month', d.date::timestamp)::date, sum(d.runs), sum(d.hosts), sum(d.elapsed_ms)
    FROM marts.launches_daily d JOIN marts.series s USING (series_id)
    GROUP BY 1, 2, 3, 4, 5, 6
), to_date AS (
    SELECT cluster_id, organization_id, 'template' AS kind, job_template_id AS who, project_id AS at,
        date_trunc('month', date::timestamp)::date AS month, runs, hosts, elapsed_ms AS ms
    FROM marts.template_to_date WHERE extract(day FROM date + 1) = 1
    UNION ALL
    SELECT cluster_id, organization_id, 'launcher', user_id, 0,
        date_trunc('month', date::timestamp)::date, runs, hosts, elapsed_ms
    FROM marts.launcher_to_date WHERE extract(day FROM date + 1) = 1
)
SELECT cluster_id, format('%%s months by template and by launcher differ from their days', count(*))
FROM days FULL JOIN to_date USING (cluster_id, organization_id, kind, who, at, month)
WHERE (days.runs, days.hosts, days.ms) IS DISTINCT FROM (to_date.runs, to_date.hosts, to_date.ms)
  AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s)
GROUP BY cluster_id

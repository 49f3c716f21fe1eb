-- Clusters in which a month differs from the sum of its days. Index: none, the marts are read whole.
WITH days AS (
    SELECT cluster_id, 'savings_monthly' AS rollup, date_trunc('month', date::timestamp)::date AS month, job_template_id,
        sum(runs) AS runs, sum(hosts) AS hosts, sum(elapsed_seconds) AS seconds, sum(savings) AS savings,
        sum(savings_as_recorded) AS recorded
    FROM marts.savings_daily GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT cluster_id, 'launches_monthly', date_trunc('month', date::timestamp)::date, job_template_id, sum(runs), sum(hosts),
        sum(elapsed_seconds), 0, 0
    FROM marts.launches GROUP BY 1, 2, 3, 4
), rollups AS (
    SELECT cluster_id, 'savings_monthly' AS rollup, month, job_template_id, sum(runs) AS runs, sum(hosts) AS hosts,
        sum(elapsed_seconds) AS seconds, sum(savings) AS savings, sum(savings_as_recorded) AS recorded
    FROM marts.savings_monthly GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT cluster_id, 'launches_monthly', month, job_template_id, sum(runs), sum(hosts), sum(elapsed_seconds), 0, 0
    FROM rollup.launches_monthly GROUP BY 1, 2, 3, 4
)
SELECT cluster_id, format('%%s templates'' months in %%s differ from their days', count(*), rollup)
FROM days d FULL JOIN rollups r USING (cluster_id, rollup, month, job_template_id)
WHERE (d.runs, d.hosts, d.seconds, d.savings, d.recorded) IS DISTINCT FROM (r.runs, r.hosts, r.seconds, r.savings, r.recorded)
  AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s)
GROUP BY cluster_id, rollup

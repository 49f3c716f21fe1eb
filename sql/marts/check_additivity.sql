-- Clusters in which a month differs from the sum of its days. Index: none, the marts are read whole.
SELECT cluster_id, format('templates in %%s whose months differ from their days: %%s', rollup, count(*))
FROM (
    SELECT cluster_id, rollup
    FROM (
        SELECT 'savings_monthly' AS rollup, cluster_id, date, job_template_id, 1 AS sign, runs, hosts, elapsed_seconds, savings,
            savings_as_recorded FROM marts.savings_daily
        UNION ALL SELECT 'savings_monthly', cluster_id, month, job_template_id, -1, runs, hosts, elapsed_seconds, savings,
            savings_as_recorded FROM marts.savings_monthly
        UNION ALL SELECT 'launches_monthly', cluster_id, date, job_template_id, 1, runs, hosts, elapsed_seconds, 0, 0 FROM marts.launches
        UNION ALL SELECT 'launches_monthly', cluster_id, month, job_template_id, -1, runs, hosts, elapsed_seconds, 0, 0
            FROM rollup.launches_monthly
    ) r
    WHERE %(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s
    GROUP BY cluster_id, rollup, date_trunc('month', date::timestamp), job_template_id
    HAVING (sum(sign * runs), sum(sign * hosts), sum(sign * elapsed_seconds), sum(sign * savings), sum(sign * savings_as_recorded))
        <> (0, 0, 0, 0, 0)
) d
GROUP BY cluster_id, rollup

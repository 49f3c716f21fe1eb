-- Clusters whose marts differ from core. Index: none, core is read whole.
SELECT cluster_id, format('the marts have %%s runs, %%s hosts and %%s s more than core', sum(runs), sum(hosts), sum(seconds))
FROM (
    SELECT cluster_id, runs, hosts, elapsed_seconds AS seconds FROM marts.savings_daily
    UNION ALL
    SELECT cluster_id, -is_run::int, -hosts, CASE WHEN hosts > 0 THEN -elapsed_seconds ELSE 0 END FROM rollup.job WHERE NOT left_out
) d
WHERE %(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s
GROUP BY cluster_id
HAVING (sum(runs), sum(hosts), sum(seconds)) <> (0, 0, 0)

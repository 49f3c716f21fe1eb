-- Clusters whose marts differ from core. Index: none, core is read whole.
SELECT COALESCE(c.cluster_id, m.cluster_id),
    format('core has %%s runs, %%s hosts, %%s s; marts have %%s, %%s, %%s', c.runs, c.hosts, c.seconds, m.runs, m.hosts, m.seconds)
FROM (
    SELECT j.cluster_id, count(*) FILTER (WHERE j.hosts > 0) AS runs, sum(j.hosts) AS hosts,
        COALESCE(sum(j.elapsed_seconds) FILTER (WHERE j.hosts > 0), 0) AS seconds
    FROM rollup.job j
    WHERE NOT j.left_out AND (%(cluster_id)s::int IS NULL OR j.cluster_id = %(cluster_id)s)
    GROUP BY j.cluster_id
) c
FULL JOIN (
    SELECT cluster_id, sum(runs) AS runs, sum(hosts) AS hosts, sum(elapsed_seconds) AS seconds
    FROM marts.savings_daily
    WHERE %(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s
    GROUP BY cluster_id
) m USING (cluster_id)
WHERE (COALESCE(c.runs, 0), COALESCE(c.hosts, 0), COALESCE(c.seconds, 0))
    IS DISTINCT FROM (COALESCE(m.runs, 0), COALESCE(m.hosts, 0), COALESCE(m.seconds, 0))

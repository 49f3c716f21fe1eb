-- Clusters whose marts differ from core. Index: none, core is read whole (clusters_job_status_finished_idx where it helps).
SELECT COALESCE(c.cluster_id, m.cluster_id),
    format('core has %%s runs, %%s hosts, %%s ms; marts have %%s, %%s, %%s', c.runs, c.hosts, c.ms, m.runs, m.hosts, m.ms)
FROM (
    SELECT cluster_id, count(*) FILTER (WHERE num_hosts > 0) AS runs, sum(num_hosts) FILTER (WHERE num_hosts > 0) AS hosts,
        sum(elapsed * 1000) FILTER (WHERE num_hosts > 0)::bigint AS ms
    FROM archive.all_jobs
    WHERE status IN ('successful', 'failed') AND finished IS NOT NULL
      AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s)
    GROUP BY cluster_id
) c
FULL JOIN (
    SELECT s.cluster_id, sum(d.runs) AS runs, sum(d.hosts) AS hosts, sum(d.elapsed_ms) AS ms
    FROM marts.run_daily d JOIN marts.series s USING (series_id)
    WHERE %(cluster_id)s::int IS NULL OR s.cluster_id = %(cluster_id)s
    GROUP BY s.cluster_id
) m USING (cluster_id)
WHERE (COALESCE(c.runs, 0), COALESCE(c.hosts, 0), COALESCE(c.ms, 0))
    IS DISTINCT FROM (COALESCE(m.runs, 0), COALESCE(m.hosts, 0), COALESCE(m.ms, 0))

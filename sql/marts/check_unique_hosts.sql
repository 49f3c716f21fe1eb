-- Clusters whose bitmaps count other hosts than core.
SELECT cluster_id, format('core has %%s hosts, the bitmaps %%s', COALESCE(c.hosts, 0), COALESCE(m.hosts, 0))
FROM (
    SELECT j.cluster_id, count(DISTINCT x.host_id) AS hosts
    FROM archive.all_host_summaries x JOIN archive.all_jobs j ON j.id = x.job_id
    WHERE j.num_hosts > 0 AND j.status IN ('successful', 'failed') AND j.finished IS NOT NULL
      AND (%(cluster_id)s::int IS NULL OR j.cluster_id = %(cluster_id)s)
    GROUP BY j.cluster_id
) c
FULL JOIN (
    SELECT cluster_id, sum(bit_count(hosts)) AS hosts
    FROM (
        SELECT cluster_id, chunk, bit_or(hosts) AS hosts FROM marts.organization_host_set_monthly
        WHERE %(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s
        GROUP BY cluster_id, chunk
    ) u GROUP BY cluster_id
) m USING (cluster_id)
WHERE COALESCE(c.hosts, 0) <> COALESCE(m.hosts, 0)

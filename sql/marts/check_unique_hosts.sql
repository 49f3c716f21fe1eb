-- Clusters whose bitmaps count other hosts than core. Index: none, core is read whole.
SELECT cluster_id, format('core has %%s hosts, the bitmaps %%s', COALESCE(c.hosts, 0), COALESCE(m.hosts, 0))
FROM (
    SELECT j.cluster_id, count(DISTINCT x.host_id) AS hosts
    FROM archive.all_host_summaries x JOIN rollup.job j ON j.job_id = x.job_id
    WHERE j.hosts > 0 AND NOT j.left_out AND (%(cluster_id)s::int IS NULL OR j.cluster_id = %(cluster_id)s)
    GROUP BY j.cluster_id
) c
FULL JOIN (
    SELECT cluster_id, sum(bit_count(hosts)) AS hosts
    FROM (
        SELECT cluster_id, chunk, bit_or(hosts) AS hosts FROM rollup.host_set_monthly
        WHERE job_template_id IS NULL AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s)
        GROUP BY cluster_id, chunk
    ) u GROUP BY cluster_id
) m USING (cluster_id)
WHERE COALESCE(c.hosts, 0) <> COALESCE(m.hosts, 0)

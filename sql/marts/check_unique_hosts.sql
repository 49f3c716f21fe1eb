-- Clusters whose bitmaps count other hosts than core. Index: none, core is read whole.
SELECT cluster_id, format('core has %%s hosts, the bitmaps %%s', COALESCE(sum(core), 0), COALESCE(sum(marts), 0))
FROM (
    SELECT j.cluster_id, count(DISTINCT x.host_id) AS core, NULL AS marts
    FROM archive.all_host_summaries x JOIN rollup.job j ON j.job_id = x.job_id
    WHERE j.hosts > 0 AND NOT j.left_out AND (%(cluster_id)s::int IS NULL OR j.cluster_id = %(cluster_id)s)
    GROUP BY j.cluster_id
    UNION ALL
    SELECT m.cluster_id, NULL, bit_count(bit_or(m.hosts)) FROM rollup.host_set_monthly m
    WHERE m.job_template_id IS NULL AND (%(cluster_id)s::int IS NULL OR m.cluster_id = %(cluster_id)s)
    GROUP BY m.cluster_id, m.chunk
) d
GROUP BY cluster_id
HAVING sum(core) IS DISTINCT FROM sum(marts)

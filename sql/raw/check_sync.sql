-- Sync state of a cluster: clocks, watermark, last successful sync, numbers of jobs whose host summaries are awaited,
-- overdue and given up. Indexes: sync_run_cluster_idx,
-- clusters_clustersyncstatus_cluster_id_key, pending_summaries_pkey.
SELECT NOW(),
       (SELECT last_job_finished_date FROM clusters_clustersyncstatus WHERE cluster_id = %(cluster)s),
       run.started_at, run.finished_at, run.window_to,
       awaited.waiting, awaited.overdue, awaited.given_up, run.jobs_stored
FROM (SELECT 1) one
LEFT JOIN LATERAL (
    SELECT started_at, finished_at, window_to, jobs_stored FROM pipeline.sync_run
    WHERE cluster_id = %(cluster)s AND kind = 'sync' AND outcome = 'succeeded' ORDER BY id DESC LIMIT 1
) run ON TRUE
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE NOT given_up) AS waiting,
           count(*) FILTER (WHERE NOT given_up AND finished < NOW() - make_interval(mins => %(minutes)s)) AS overdue,
           count(*) FILTER (WHERE given_up) AS given_up
    FROM pipeline.pending_summaries WHERE cluster_id = %(cluster)s
) awaited

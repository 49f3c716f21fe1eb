-- For new_jobs_sensor, per enabled cluster: watermark, whether host summaries are awaited, when its last sync ended (or began),
-- number of failures since the last success, the longest-paused backfill (NULL: open end), whether the last sync was a backfill,
-- whether no sync has finished yet, the time before which no request may be sent, and the requests per second.
-- Indexes: sync_run_cluster_idx, clusters_clustersyncstatus_cluster_id_key, pending_summaries_pkey, backfill_pkey.
SELECT cluster.name,
       (SELECT last_job_finished_date FROM clusters_clustersyncstatus status WHERE status.cluster_id = cluster.id),
       EXISTS (SELECT FROM pipeline.pending_summaries pending WHERE pending.cluster_id = cluster.id AND NOT pending.given_up),
       last.ended_at,
       COALESCE(last.failures, 0),
       paused.window_from,
       NULLIF(paused.window_to, 'infinity'),
       (SELECT kind = 'backfill' FROM pipeline.sync_run run WHERE run.cluster_id = cluster.id ORDER BY id DESC LIMIT 1),
       NOT EXISTS (SELECT FROM pipeline.sync_run run WHERE run.cluster_id = cluster.id AND run.kind = 'sync'
                   AND run.outcome = 'succeeded' AND NOT run.paused),
       cluster.no_requests_before,
       cluster.max_requests_per_second::float
FROM clusters_cluster cluster
LEFT JOIN LATERAL (
    SELECT max(recent.ended_at) AS ended_at,
           count(*) FILTER (WHERE recent.since_success) AS failures
    FROM (
        SELECT COALESCE(run.finished_at, run.started_at) AS ended_at,
               bool_and(run.outcome <> 'succeeded') OVER (ORDER BY run.id DESC) AS since_success
        FROM (
            SELECT id, started_at, finished_at, outcome FROM pipeline.sync_run
            WHERE cluster_id = cluster.id AND kind = 'sync' ORDER BY id DESC LIMIT 10
        ) run
    ) recent
) last ON TRUE
LEFT JOIN LATERAL (
    SELECT window_from, window_to FROM pipeline.backfill WHERE cluster_id = cluster.id AND goes_on ORDER BY updated_at LIMIT 1
) paused ON TRUE
WHERE cluster.enabled
ORDER BY cluster.name

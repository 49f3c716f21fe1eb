-- The metrics of each cluster: last sync, last success and backlog. The newest rows of each cluster
-- by index (sync_run_cluster_idx, pending_summaries_pkey, rejected_record_cluster_idx,
-- clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx), so that a scrape costs the same after years.
SELECT
    c.name AS cluster,
    c.enabled::int AS enabled,
    extract(epoch FROM s.last_job_finished_date) AS watermark_timestamp_seconds,
    extract(epoch FROM success.finished_at) AS last_success_timestamp_seconds,
    extract(epoch FROM c.token_ends_at) AS token_expires_timestamp_seconds,
    (last.outcome = 'failed')::int AS last_sync_failed,
    success.seconds AS last_success_seconds,
    success.lag_seconds AS sync_lag_seconds,
    success.jobs_stored AS last_success_jobs,
    success.requests AS last_success_requests,
    success.controller_seconds AS last_success_controller_seconds,
    success.share_held_back AS last_success_share_held_back,
    (SELECT COALESCE(sum(v.value::numeric), 0) FROM jsonb_each_text(last.retries) v) AS last_sync_retries,
    (SELECT count(*) FROM clusters_clustersyncdata r WHERE r.cluster_id = c.id) AS unparsed_documents,
    (SELECT count(*) FROM pipeline.pending_summaries p WHERE p.cluster_id = c.id AND NOT p.given_up) AS provisional_jobs,
    (SELECT count(*) FROM pipeline.rejected_record r WHERE r.cluster_id = c.id) AS rejected_documents
FROM clusters_cluster c
LEFT JOIN clusters_clustersyncstatus s ON s.cluster_id = c.id
LEFT JOIN LATERAL (
    SELECT r.outcome, r.retries FROM pipeline.sync_run r
    WHERE r.cluster_id = c.id AND r.outcome <> 'running' ORDER BY r.id DESC LIMIT 1
) last ON TRUE
LEFT JOIN LATERAL (
    SELECT r.finished_at, r.seconds, r.lag_seconds, r.jobs_stored, r.requests, r.controller_seconds,
           r.share_held_back FROM pipeline.sync_run r
    WHERE r.cluster_id = c.id AND r.kind = 'sync' AND r.outcome = 'succeeded' ORDER BY r.id DESC LIMIT 1
) success ON TRUE
WHERE c.removed_at IS NULL
ORDER BY c.name

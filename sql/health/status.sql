-- One row per cluster: registry, watermark, last sync, last success and backlog. Each sub-select reads the newest
-- rows of its cluster by index (sync_run_cluster_idx, pending_summaries_pkey, rejected_record_cluster_idx,
-- clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx, changed_day_cluster_idx, backfill_pkey).
SELECT
    c.name,
    c.enabled,
    s.last_job_finished_date AS watermark,
    last.started_at AS last_sync,
    last.outcome,
    last.error,
    success.finished_at AS last_success,
    extract(epoch FROM now() - success.finished_at)::numeric(15, 1) AS lag_seconds,
    (SELECT count(*) FROM clusters_clustersyncdata r WHERE r.cluster_id = c.id) AS unparsed,
    (SELECT count(*) FROM pipeline.pending_summaries p WHERE p.cluster_id = c.id AND NOT p.given_up) AS pending,
    (SELECT count(*) FROM pipeline.rejected_record r WHERE r.cluster_id = c.id) AS rejected,
    (SELECT count(DISTINCT d.day) FROM pipeline.changed_day d WHERE d.cluster_id = c.id) AS days_to_refresh,
    CASE WHEN c.no_requests_before > now() THEN c.no_requests_before END AS no_requests_before,
    (SELECT json_agg(json_build_object('from', b.window_from, 'to', NULLIF(b.window_to, 'infinity'), 'done_to', b.done_to)
        ORDER BY b.updated_at) FROM pipeline.backfill b WHERE b.cluster_id = c.id) AS backfills
FROM clusters_cluster c
LEFT JOIN clusters_clustersyncstatus s ON s.cluster_id = c.id
LEFT JOIN LATERAL (
    SELECT r.started_at, r.outcome, r.error FROM pipeline.sync_run r WHERE r.cluster_id = c.id ORDER BY r.id DESC LIMIT 1
) last ON TRUE
LEFT JOIN LATERAL (
    SELECT r.finished_at FROM pipeline.sync_run r
    WHERE r.cluster_id = c.id AND r.kind = 'sync' AND r.outcome = 'succeeded' ORDER BY r.id DESC LIMIT 1
) success ON TRUE
WHERE c.removed_at IS NULL
ORDER BY c.name

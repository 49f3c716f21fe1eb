-- The tokens of enabled clusters with their known expiry, and each cluster's watermark. Small tables: sequential scans.
SELECT id, name, access_token, token_ends_at, token_end_exact, token_asked_at,
       refresh_token IS NOT NULL AND client_id IS NOT NULL, refresh_declined,
       (SELECT last_job_finished_date FROM clusters_clustersyncstatus status WHERE status.cluster_id = cluster.id)
FROM clusters_cluster cluster
WHERE enabled
ORDER BY name

-- Enable or disable a cluster, and end a pause that its controller requested; its history stays. Index: clusters_cluster_name_idx.
UPDATE clusters_cluster
SET enabled = %(enabled)s, removed_at = CASE WHEN %(removed)s THEN NOW() END, no_requests_before = NULL,
    internal_modified = NOW()
WHERE name = %(name)s
RETURNING id

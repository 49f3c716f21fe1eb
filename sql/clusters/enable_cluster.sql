-- Enable or disable a cluster; its history stays. Index: clusters_cluster_name_idx.
UPDATE clusters_cluster
SET enabled = %(enabled)s, removed_at = CASE WHEN %(removed)s THEN NOW() END, internal_modified = NOW()
WHERE name = %(name)s
RETURNING id

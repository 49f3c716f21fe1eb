-- Whether the registry has a cluster of this name. Index: clusters_cluster_name_idx.
SELECT 1 FROM clusters_cluster WHERE name = %(name)s AND removed_at IS NULL

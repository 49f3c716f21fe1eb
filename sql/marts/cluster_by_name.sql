-- Index: clusters_cluster_name_idx.
SELECT id FROM clusters_cluster WHERE name = %(name)s

-- Delete a cluster; the rest of its history cascades. Index: clusters_cluster_name_idx.
DELETE FROM clusters_cluster WHERE name = %(name)s

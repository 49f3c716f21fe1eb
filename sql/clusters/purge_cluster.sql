-- Removes a cluster with its whole history; everything else cascades. Index: clusters_cluster_name_idx.
DELETE FROM clusters_cluster WHERE name = %(name)s

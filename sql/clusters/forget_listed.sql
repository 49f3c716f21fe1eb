-- After a failed sync, have the next one read product and lists again: the controller may be another product now.
-- Index: clusters_cluster_pkey.
UPDATE clusters_cluster SET listed_at = NULL WHERE id = %(cluster)s AND listed_at IS NOT NULL

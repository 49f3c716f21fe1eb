-- After a failed sync: the controller may be another product now, so its product and lists are read anew.
-- Index: clusters_cluster_pkey.
UPDATE clusters_cluster SET listed_at = NULL WHERE id = %(cluster)s AND listed_at IS NOT NULL

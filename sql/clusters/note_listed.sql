-- Record that product, organizations and job templates were read now. Index: clusters_cluster_pkey.
UPDATE clusters_cluster SET listed_at = NOW() WHERE id = %(cluster)s

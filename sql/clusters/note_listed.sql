-- Product, organizations and job templates were read whole just now. Index: clusters_cluster_pkey.
UPDATE clusters_cluster SET listed_at = NOW() WHERE id = %(cluster)s

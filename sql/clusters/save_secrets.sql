-- Store a cluster's secrets, encrypted with another key. Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET access_token = %(access_token)s, refresh_token = %(refresh_token)s, client_secret = %(client_secret)s
WHERE id = %(cluster)s

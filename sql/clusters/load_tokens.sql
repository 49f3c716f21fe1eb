-- A cluster's secrets, encrypted, and its name. Index: clusters_cluster_pkey.
SELECT access_token, refresh_token, client_id, client_secret, name FROM clusters_cluster WHERE id = %(cluster)s

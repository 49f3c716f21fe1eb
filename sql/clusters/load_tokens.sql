-- A cluster's secrets, encrypted. Index: clusters_cluster_pkey.
SELECT access_token, refresh_token, client_id, client_secret FROM clusters_cluster WHERE id = %(cluster)s

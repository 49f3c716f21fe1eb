-- A cluster's secrets, encrypted, its name, and the end of a pause that lasts. Index: clusters_cluster_pkey.
SELECT access_token, refresh_token, client_id, client_secret, name,
       CASE WHEN no_requests_before > NOW() THEN no_requests_before END
FROM clusters_cluster
WHERE id = %(cluster)s

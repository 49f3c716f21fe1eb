-- The same, held until the new pair is committed: a refresh token works once, so only one process may use it.
-- Index: clusters_cluster_pkey.
SELECT access_token, refresh_token, client_id, client_secret, name FROM clusters_cluster WHERE id = %(cluster)s
FOR NO KEY UPDATE

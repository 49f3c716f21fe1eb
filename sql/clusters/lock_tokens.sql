-- As load_tokens, locked until the new pair is committed, because a refresh token works only once.
-- Index: clusters_cluster_pkey.
SELECT access_token, refresh_token, client_id, client_secret, name,
       CASE WHEN no_requests_before > NOW() THEN no_requests_before END
FROM clusters_cluster
WHERE id = %(cluster)s
FOR NO KEY UPDATE

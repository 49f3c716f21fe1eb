-- The pair that a token refresh gave. Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET access_token = %(access_token)s, refresh_token = %(refresh_token)s, internal_modified = NOW()
WHERE id = %(cluster)s

-- The pair that a token refresh gave; what was known of the old one goes. Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET access_token = %(access_token)s, refresh_token = %(refresh_token)s, internal_modified = NOW(),
    token_ends_at = NULL, token_end_exact = FALSE, token_asked_at = NULL, refresh_declined = NULL
WHERE id = %(cluster)s

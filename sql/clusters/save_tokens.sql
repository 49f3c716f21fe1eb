-- Store the pair of a token refresh, and delete the expiry of the old one. internal_modified stays, because it is the time
-- from which a sync is expected (clusters/freshness). Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET access_token = %(access_token)s, refresh_token = %(refresh_token)s,
    token_ends_at = NULL, token_end_exact = FALSE, token_asked_at = NULL, refresh_declined = NULL
WHERE id = %(cluster)s

-- The pair that a token refresh gave; what was known of the old one goes. internal_modified stays: it says when a person
-- changed the entry, from when on a sync is expected (clusters/freshness). Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET access_token = %(access_token)s, refresh_token = %(refresh_token)s,
    token_ends_at = NULL, token_end_exact = FALSE, token_asked_at = NULL, refresh_declined = NULL
WHERE id = %(cluster)s

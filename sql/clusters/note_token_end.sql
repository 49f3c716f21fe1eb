-- Store a token's expiry, unless the token was replaced meanwhile. Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET token_ends_at = %(ends_at)s, token_end_exact = %(exact)s, token_asked_at = %(asked_at)s, refresh_declined = %(declined)s
WHERE id = %(cluster)s AND access_token = %(access_token)s

-- What is known of the tokens of enabled clusters, and which tokens it is about. Small table: a sequential scan.
SELECT id, name, access_token, token_ends_at, token_end_exact, token_asked_at,
       refresh_token IS NOT NULL AND client_id IS NOT NULL, refresh_declined
FROM clusters_cluster
WHERE enabled
ORDER BY name

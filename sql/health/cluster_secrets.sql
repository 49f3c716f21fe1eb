-- The encrypted secrets of every cluster, to see whether the key at hand opens them. The whole table, a few dozen rows.
SELECT name, access_token, refresh_token, client_secret FROM clusters_cluster WHERE removed_at IS NULL ORDER BY name

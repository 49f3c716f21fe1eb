-- The encrypted secrets of every cluster, to check that the configured key decrypts them. The whole table, a few dozen
-- rows.
SELECT name, access_token, refresh_token, client_secret FROM clusters_cluster WHERE removed_at IS NULL ORDER BY name

-- All clusters by name, or the one named %(name)s. Small table: a sequential scan.
SELECT id, name, protocol, address, port, COALESCE(verify_ssl, TRUE), ca_bundle, api_prefix, COALESCE(aap_version, ''),
       product_version, enabled, removed_at, token_ends_at, token_end_exact, max_concurrent_requests,
       max_requests_per_second, sync_window, listed_at
FROM clusters_cluster
WHERE %(name)s::text IS NULL OR name = %(name)s
ORDER BY name

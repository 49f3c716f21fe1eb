-- Add a cluster, or replace the address and secrets of the one with that name and enable it. NULL limits keep the stored
-- ones. Index: clusters_cluster_name_idx.
INSERT INTO clusters_cluster AS stored
    (name, protocol, address, port, api_prefix, verify_ssl, ca_bundle, access_token, refresh_token, client_id,
     client_secret, max_concurrent_requests, max_requests_per_second, sync_window)
VALUES
    (%(name)s, %(protocol)s, %(address)s, %(port)s, %(api_prefix)s, %(verify_ssl)s, %(ca_bundle)s, %(access_token)s,
     %(refresh_token)s, %(client_id)s, %(client_secret)s, COALESCE(%(max_concurrent_requests)s::integer, 4),
     COALESCE(%(max_requests_per_second)s::numeric, 16), NULLIF(%(sync_window)s::text, ''))
ON CONFLICT (name) DO UPDATE
SET protocol = excluded.protocol, address = excluded.address, port = excluded.port, api_prefix = excluded.api_prefix,
    verify_ssl = excluded.verify_ssl, ca_bundle = excluded.ca_bundle, access_token = excluded.access_token,
    refresh_token = excluded.refresh_token, client_id = excluded.client_id, client_secret = excluded.client_secret,
    max_concurrent_requests = COALESCE(%(max_concurrent_requests)s::integer, stored.max_concurrent_requests),
    max_requests_per_second = COALESCE(%(max_requests_per_second)s::numeric, stored.max_requests_per_second),
    sync_window = CASE WHEN %(sync_window)s::text IS NULL THEN stored.sync_window ELSE excluded.sync_window END,
    listed_at = NULL, no_requests_before = NULL,
    -- another address may be another product, and neither it nor its certificate was seen yet
    product_version = CASE WHEN (stored.protocol, stored.address, stored.port, stored.verify_ssl, stored.ca_bundle)
                                IS NOT DISTINCT FROM (excluded.protocol, excluded.address, excluded.port,
                                                      excluded.verify_ssl, excluded.ca_bundle)
                           THEN stored.product_version END,
    token_ends_at = NULL, token_end_exact = FALSE, token_asked_at = NULL, refresh_declined = NULL,
    enabled = TRUE, removed_at = NULL, internal_modified = NOW()
RETURNING id, (xmax = 0) AS added

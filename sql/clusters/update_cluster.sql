-- Update the address of a cluster, and those secrets that are not NULL. A new access token replaces all secrets. Returns
-- whether a refresh token has no client id. Index: clusters_cluster_name_idx.
UPDATE clusters_cluster c
SET protocol = n.protocol, address = n.address, port = n.port, api_prefix = n.api_prefix, verify_ssl = n.verify_ssl,
    ca_bundle = n.ca_bundle,
    access_token = COALESCE(n.access_token, c.access_token),
    refresh_token = COALESCE(n.refresh_token, CASE WHEN n.access_token IS NULL THEN c.refresh_token END),
    client_id = COALESCE(n.client_id, CASE WHEN n.access_token IS NULL THEN c.client_id END),
    client_secret = COALESCE(n.client_secret, CASE WHEN n.access_token IS NULL THEN c.client_secret END),
    max_concurrent_requests = COALESCE(%(max_concurrent_requests)s::integer, c.max_concurrent_requests),
    max_requests_per_second = COALESCE(%(max_requests_per_second)s::numeric, c.max_requests_per_second),
    sync_window = CASE WHEN %(sync_window)s::text IS NULL THEN c.sync_window ELSE NULLIF(%(sync_window)s::text, '') END,
    listed_at = NULL, no_requests_before = NULL,
    -- another address may be another product, and neither it nor its certificate was seen yet
    product_version = CASE WHEN (c.protocol, c.address, c.port, c.verify_ssl, c.ca_bundle)
                                IS NOT DISTINCT FROM (n.protocol, n.address, n.port, n.verify_ssl, n.ca_bundle)
                           THEN c.product_version END,
    token_ends_at = CASE WHEN n.access_token IS NULL THEN c.token_ends_at END,
    token_end_exact = c.token_end_exact AND n.access_token IS NULL,
    token_asked_at = CASE WHEN n.access_token IS NULL THEN c.token_asked_at END,
    refresh_declined = CASE WHEN COALESCE(n.access_token, n.refresh_token) IS NULL THEN c.refresh_declined END,
    internal_modified = NOW()
FROM (
    SELECT %(protocol)s::text AS protocol, %(address)s::text AS address, %(port)s::integer AS port,
           %(api_prefix)s::text AS api_prefix, %(verify_ssl)s::boolean AS verify_ssl, %(ca_bundle)s::text AS ca_bundle,
           %(access_token)s::bytea AS access_token, %(refresh_token)s::bytea AS refresh_token,
           %(client_id)s::text AS client_id, %(client_secret)s::bytea AS client_secret
) n
WHERE c.name = %(name)s
RETURNING c.refresh_token IS NOT NULL AND c.client_id IS NULL

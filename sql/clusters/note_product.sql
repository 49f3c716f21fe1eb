-- Store the detected product. Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET aap_version = %(label)s, product_version = %(version)s, api_prefix = %(api_prefix)s, internal_modified = NOW()
WHERE id = %(cluster)s
  AND (aap_version, product_version, api_prefix) IS DISTINCT FROM (%(label)s, %(version)s, %(api_prefix)s)

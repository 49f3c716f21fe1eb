-- The cluster as core knows it.
INSERT INTO marts.dim_cluster (cluster_id, name, address, aap_version, enabled)
SELECT id, name, address, COALESCE(product_version, aap_version), enabled FROM clusters_cluster WHERE id = %(cluster_id)s
ON CONFLICT (cluster_id) DO UPDATE SET name = excluded.name, address = excluded.address,
    aap_version = excluded.aap_version, enabled = excluded.enabled
WHERE (dim_cluster.name, dim_cluster.address, dim_cluster.aap_version, dim_cluster.enabled)
    IS DISTINCT FROM (excluded.name, excluded.address, excluded.aap_version, excluded.enabled)

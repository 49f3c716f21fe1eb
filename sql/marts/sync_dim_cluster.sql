-- The cluster as core knows it, and the cost model that its money as recorded goes by from here on: a change of cost_model
-- is noted in pipeline.changed_rate, so that whoever finds another model here has all of it to record anew.
INSERT INTO marts.dim_cluster (cluster_id, name, address, aap_version, enabled, recorded_by_subscription)
SELECT id, name, address, COALESCE(product_version, aap_version), enabled, f.subscription
FROM clusters_cluster CROSS JOIN marts.formula f WHERE id = %(cluster_id)s
ON CONFLICT (cluster_id) DO UPDATE SET name = excluded.name, address = excluded.address,
    aap_version = excluded.aap_version, enabled = excluded.enabled, recorded_by_subscription = excluded.recorded_by_subscription
WHERE (dim_cluster.name, dim_cluster.address, dim_cluster.aap_version, dim_cluster.enabled, dim_cluster.recorded_by_subscription)
    IS DISTINCT FROM (excluded.name, excluded.address, excluded.aap_version, excluded.enabled, excluded.recorded_by_subscription)

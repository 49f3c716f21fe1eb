-- Rates in force today under the configured cost model: the global ones (name NULL) and those of clusters and organizations.
-- Reads the marts only. Index: rate_history_pkey.
SELECT name, rate_type, value FROM (
    SELECT DISTINCT ON (h.cluster_id, h.organization_id, h.rate_type) COALESCE(o.organization, c.cluster) AS name, h.rate_type, h.value,
        h.cluster_id, h.organization_id
    FROM marts.formula f
    JOIN marts.rate_history h ON h.valid_from <= marts.today() AND (h.rate_type IN ('hourly', 'subscription')) = f.subscription
    LEFT JOIN marts.dim_cluster c ON c.cluster_id = h.cluster_id
    LEFT JOIN marts.dim_organization o ON o.organization_id = h.organization_id AND h.organization_id <> 0
    ORDER BY h.cluster_id, h.organization_id, h.rate_type, h.valid_from DESC
) r
WHERE value IS NOT NULL AND (name IS NOT NULL OR (cluster_id, organization_id) = (0, 0))
ORDER BY cluster_id, organization_id, rate_type

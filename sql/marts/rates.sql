-- Every rate with the names of what it is for.
SELECT h.rate_type, h.value, h.valid_from, c.name, o.name,
    h.valid_from = max(h.valid_from) FILTER (WHERE h.valid_from <= marts.today())
        OVER (PARTITION BY h.rate_type, h.cluster_id, h.organization_id) AS in_force
FROM marts.rate_history h
LEFT JOIN clusters_cluster c ON c.id = h.cluster_id
LEFT JOIN clusters_organization o ON o.id = h.organization_id
ORDER BY h.cluster_id, h.organization_id, h.rate_type DESC, h.valid_from

-- Every rate with its last day and the names of what it is for.
SELECT h.rate_type, h.value, h.valid_from, NULLIF(h.valid_to, '9999-12-31') - 1 AS valid_until, c.name AS cluster, o.name AS organization,
    h.value IS NOT NULL AND h.valid_from <= marts.today() AND h.valid_to > marts.today() AS in_force
FROM rollup.rate_span h
LEFT JOIN clusters_cluster c ON c.id = h.cluster_id
LEFT JOIN clusters_organization o ON o.id = h.organization_id
ORDER BY h.cluster_id, h.organization_id, array_position('{manual,automated,hourly,subscription}', h.rate_type::text), h.valid_from

-- Every restriction of a role with names. Index: bi_access_pkey.
SELECT a.role, o.name AS organization, c.name AS cluster, a.organization = %(nothing)s AS nothing
FROM marts.bi_access a
LEFT JOIN clusters_organization o ON o.id = a.organization
LEFT JOIN clusters_cluster c ON c.id = o.cluster_id
ORDER BY a.role, o.name, c.name

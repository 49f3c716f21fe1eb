-- Organizations of that name, of one cluster or (0) of all.
SELECT o.id, o.cluster_id, c.name FROM clusters_organization o JOIN clusters_cluster c ON c.id = o.cluster_id
WHERE o.name = %(name)s AND %(cluster_id)s::int IN (0, o.cluster_id)
ORDER BY o.id

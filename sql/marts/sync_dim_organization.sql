-- The cluster's organizations as core knows them; only what changed is written.
INSERT INTO marts.dim_organization (organization_id, cluster_id, name)
SELECT c.id, c.cluster_id, c.name FROM clusters_organization c LEFT JOIN marts.dim_organization d ON d.organization_id = c.id
WHERE c.cluster_id = %(cluster_id)s AND (d.organization_id IS NULL OR d.name <> c.name)
ON CONFLICT (organization_id) DO UPDATE SET name = excluded.name

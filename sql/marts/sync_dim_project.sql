-- The cluster's projects as core knows them; only what changed is written.
INSERT INTO marts.dim_project (project_id, cluster_id, name)
SELECT c.id, c.cluster_id, c.name FROM clusters_project c LEFT JOIN marts.dim_project d ON d.project_id = c.id
WHERE c.cluster_id = %(cluster_id)s AND (d.project_id IS NULL OR d.name <> c.name)
ON CONFLICT (project_id) DO UPDATE SET name = excluded.name

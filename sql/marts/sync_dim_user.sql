-- The cluster's launchers as core knows them; only what changed is written.
INSERT INTO marts.dim_user (user_id, cluster_id, name, type)
SELECT c.id, c.cluster_id, c.name, c.type FROM clusters_aapuser c LEFT JOIN marts.dim_user d ON d.user_id = c.id
WHERE c.cluster_id = %(cluster_id)s AND (d.user_id IS NULL OR (d.name, d.type) <> (c.name, c.type))
ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, type = excluded.type

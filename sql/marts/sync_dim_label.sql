-- The cluster's labels as core knows them; only what changed is written.
INSERT INTO marts.dim_label (label_id, cluster_id, name)
SELECT c.id, c.cluster_id, c.name FROM clusters_label c LEFT JOIN marts.dim_label d ON d.label_id = c.id
WHERE c.cluster_id = %(cluster_id)s AND (d.label_id IS NULL OR d.name <> c.name)
ON CONFLICT (label_id) DO UPDATE SET name = excluded.name

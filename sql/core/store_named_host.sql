-- Insert hosts without an inventory (deleted ones, implicit localhost, add_host), identified by name, and return the ids of
-- all of them. Uses clusters_host_cluster_name_idx, an index of the names' digests.
WITH known AS (
    SELECT i.name, d.id
    FROM unnest(%(ids)s::text[]) AS i (name)
    LEFT JOIN clusters_host d
        ON d.cluster_id = %(cluster_id)s AND d.external_id IS NULL AND md5(d.name) = md5(i.name)
), added AS (
    INSERT INTO clusters_host (cluster_id, external_id, name)
    SELECT %(cluster_id)s, NULL, name FROM known WHERE id IS NULL ORDER BY name
    ON CONFLICT (cluster_id, md5(name)) WHERE external_id IS NULL DO UPDATE SET name = EXCLUDED.name
    RETURNING name, id
)
SELECT name, id FROM known WHERE id IS NOT NULL
UNION ALL
SELECT name, id FROM added

-- Insert launchers without an id (dependencies), identified by type and name, and return the ids of all of them.
-- Uses clusters_aapuser_cluster_name_idx.
WITH known AS (
    SELECT i.type, i.name, d.id
    FROM unnest(%(types)s::text[], %(ids)s::text[]) AS i (type, name)
    LEFT JOIN clusters_aapuser d
        ON d.cluster_id = %(cluster_id)s AND d.type = i.type AND d.name = i.name AND d.external_id IS NULL
), added AS (
    INSERT INTO clusters_aapuser (cluster_id, type, external_id, name)
    SELECT %(cluster_id)s, type, NULL, name FROM known WHERE id IS NULL ORDER BY type, name
    ON CONFLICT (cluster_id, type, name) WHERE external_id IS NULL DO UPDATE SET name = EXCLUDED.name
    RETURNING type, name, id
)
SELECT type, name, id FROM known WHERE id IS NOT NULL
UNION ALL
SELECT type, name, id FROM added

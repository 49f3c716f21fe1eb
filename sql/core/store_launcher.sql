-- Upsert a batch's launchers with an id (users, schedules, templates) and return their ids. Uses
-- clusters_aapuser_cluster_external_idx.
WITH known AS (
    SELECT i.type, i.external_id, i.name, i.latest, d.id
    FROM unnest(%(types)s::text[], %(ids)s::int[], %(name)s::text[], %(latest)s::boolean[])
        AS i (type, external_id, name, latest)
    LEFT JOIN clusters_aapuser d
        ON d.cluster_id = %(cluster_id)s AND d.type = i.type AND d.external_id = i.external_id
        AND d.external_id IS NOT NULL
), renamed AS (
    UPDATE clusters_aapuser d SET name = k.name, internal_modified = NOW()
    FROM known k
    WHERE d.id = k.id AND k.latest AND k.name IS NOT NULL AND d.name <> k.name
), added AS (
    INSERT INTO clusters_aapuser (cluster_id, type, external_id, name)
    SELECT %(cluster_id)s, type, external_id, COALESCE(name, '#' || external_id)
    FROM known WHERE id IS NULL ORDER BY type, external_id
    ON CONFLICT (cluster_id, type, external_id) WHERE external_id IS NOT NULL DO UPDATE SET name = EXCLUDED.name
    RETURNING type, external_id, id
)
SELECT type, external_id, id FROM known WHERE id IS NOT NULL
UNION ALL
SELECT type, external_id, id FROM added

-- Upsert a batch's inventories and return their ids. Fields that a document omits are kept; a new one without a name is
-- named #ID.
-- Uses clusters_inventory_cluster_external_idx.
WITH known AS (
    SELECT i.external_id, i.name, i.description, i.latest, d.id
    FROM unnest(%(ids)s::int[], %(name)s::text[], %(description)s::text[], %(latest)s::boolean[])
        AS i (external_id, name, description, latest)
    LEFT JOIN clusters_inventory d ON d.cluster_id = %(cluster_id)s AND d.external_id = i.external_id
), renamed AS (
    UPDATE clusters_inventory d
    SET name = COALESCE(k.name, d.name),
        description = COALESCE(k.description, d.description),
        internal_modified = NOW()
    FROM known k
    WHERE d.id = k.id AND k.latest
      AND (COALESCE(k.name, d.name), COALESCE(k.description, d.description))
          IS DISTINCT FROM (d.name, d.description)
), added AS (
    INSERT INTO clusters_inventory (cluster_id, external_id, name, description)
    SELECT %(cluster_id)s, external_id, COALESCE(name, '#' || external_id), description
    FROM known WHERE id IS NULL ORDER BY external_id
    ON CONFLICT (cluster_id, external_id) DO UPDATE SET name = EXCLUDED.name
    RETURNING external_id, id
)
SELECT external_id, id FROM known WHERE id IS NOT NULL
UNION ALL
SELECT external_id, id FROM added

-- Upsert a batch's labels and return their ids.
-- Uses clusters_label_cluster_external_idx.
WITH known AS (
    SELECT i.external_id, i.name, i.latest, d.id
    FROM unnest(%(ids)s::int[], %(name)s::text[], %(latest)s::boolean[]) AS i (external_id, name, latest)
    LEFT JOIN clusters_label d ON d.cluster_id = %(cluster_id)s AND d.external_id = i.external_id
), renamed AS (
    UPDATE clusters_label d SET name = k.name, internal_modified = NOW()
    FROM known k
    WHERE d.id = k.id AND k.latest AND d.name <> k.name
), added AS (
    INSERT INTO clusters_label (cluster_id, external_id, name)
    SELECT %(cluster_id)s, external_id, name FROM known WHERE id IS NULL ORDER BY external_id
    ON CONFLICT (cluster_id, external_id) DO UPDATE SET name = EXCLUDED.name
    RETURNING external_id, id
)
SELECT external_id, id FROM known WHERE id IS NOT NULL
UNION ALL
SELECT external_id, id FROM added

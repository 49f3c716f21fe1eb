-- Upsert a batch's organizations and return their ids. Fields that a document omits are kept; a new one without a name is
-- named #ID.
-- Uses clusters_organization_cluster_external_idx.
WITH known AS (
    SELECT i.external_id, i.name, i.description, i.latest, i.fingerprint, d.id
    FROM unnest(%(ids)s::int[], %(name)s::text[], %(description)s::text[], %(latest)s::boolean[], %(fingerprint)s::bytea[])
        AS i (external_id, name, description, latest, fingerprint)
    LEFT JOIN clusters_organization d ON d.cluster_id = %(cluster_id)s AND d.external_id = i.external_id
), renamed AS (
    UPDATE clusters_organization d
    SET name = COALESCE(k.name, d.name),
        description = COALESCE(k.description, d.description),
        fingerprint = COALESCE(k.fingerprint, d.fingerprint),
        internal_modified = NOW()
    FROM known k
    WHERE d.id = k.id AND k.latest
      AND (COALESCE(k.name, d.name), COALESCE(k.description, d.description), COALESCE(k.fingerprint, d.fingerprint))
          IS DISTINCT FROM (d.name, d.description, d.fingerprint)
), added AS (
    INSERT INTO clusters_organization (cluster_id, external_id, name, description, fingerprint)
    SELECT %(cluster_id)s, external_id, COALESCE(name, '#' || external_id), description, fingerprint
    FROM known WHERE id IS NULL ORDER BY external_id
    ON CONFLICT (cluster_id, external_id) DO UPDATE SET name = EXCLUDED.name
    RETURNING external_id, id
)
SELECT external_id, id FROM known WHERE id IS NOT NULL
UNION ALL
SELECT external_id, id FROM added

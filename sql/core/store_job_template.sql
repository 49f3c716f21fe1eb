-- Upsert a batch's job templates and return the ids of all that exist. Minutes belong to the user: they are set for a new
-- template (settings default_manual_minutes, default_creation_minutes) and never again. `listed` ones come from the
-- controller's list, which decides organization, fingerprint and removed_at (a replayed one only fills a missing
-- organization). `gone_at`: since when the controller does not list it (`new_gone_at`: the same for a new one, from its
-- first mention on); its fingerprint is cleared, so that a template that comes back is read again. Uses
-- clusters_jobtemplate_cluster_external_idx.
WITH known AS (
    SELECT i.external_id, i.name, i.description, i.latest, i.mentioned, i.listed, i.organization_id, i.fingerprint,
           i.gone_at, i.new_gone_at, d.id
    FROM unnest(%(ids)s::int[], %(name)s::text[], %(description)s::text[], %(latest)s::boolean[],
                %(mentioned)s::boolean[], %(listed)s::boolean[], %(organization)s::int[], %(fingerprint)s::bytea[],
                %(gone_at)s::timestamptz[], %(new_gone_at)s::timestamptz[])
        AS i (external_id, name, description, latest, mentioned, listed, organization_id, fingerprint, gone_at,
              new_gone_at)
    LEFT JOIN clusters_jobtemplate d ON d.cluster_id = %(cluster_id)s AND d.external_id = i.external_id
), wanted AS (
    SELECT d.id, CASE WHEN k.latest AND k.name IS NOT NULL THEN left(k.name, 255) ELSE d.name END AS name,
           CASE WHEN k.latest AND k.name IS NOT NULL THEN CASE WHEN length(k.name) > 255 THEN k.name END
                ELSE d.full_name END AS full_name,
           CASE WHEN k.latest AND k.description IS NOT NULL THEN k.description ELSE d.description END AS description,
           CASE WHEN k.listed THEN k.organization_id ELSE COALESCE(d.organization_id, k.organization_id) END AS organization_id,
           CASE WHEN k.gone_at IS NOT NULL THEN NULL WHEN k.listed THEN k.fingerprint ELSE d.fingerprint END AS fingerprint,
           CASE WHEN k.gone_at IS NOT NULL THEN COALESCE(CASE WHEN NOT k.listed THEN d.removed_at END, k.gone_at)
                WHEN k.listed THEN NULL ELSE d.removed_at END AS removed_at
    FROM known k JOIN clusters_jobtemplate d ON d.id = k.id
    WHERE k.latest OR k.gone_at IS NOT NULL OR (k.organization_id IS NOT NULL AND d.organization_id IS NULL)
), changed AS (
    UPDATE clusters_jobtemplate d
    SET name = w.name, full_name = w.full_name, description = w.description, organization_id = w.organization_id,
        fingerprint = w.fingerprint, removed_at = w.removed_at, internal_modified = NOW()
    FROM wanted w
    WHERE d.id = w.id
      AND (d.name, d.full_name, d.description, d.organization_id, d.fingerprint, d.removed_at)
          IS DISTINCT FROM (w.name, w.full_name, w.description, w.organization_id, w.fingerprint, w.removed_at)
), added AS (
    INSERT INTO clusters_jobtemplate (cluster_id, external_id, name, full_name, description, organization_id, fingerprint,
                                      removed_at, time_taken_manually_execute_minutes, time_taken_create_automation_minutes)
    SELECT %(cluster_id)s, external_id, COALESCE(left(name, 255), '#' || external_id),
           CASE WHEN length(name) > 255 THEN name END, description, organization_id,
           CASE WHEN new_gone_at IS NULL THEN fingerprint END, new_gone_at, %(manual_minutes)s, %(creation_minutes)s
    FROM known WHERE id IS NULL AND mentioned ORDER BY external_id
    ON CONFLICT (cluster_id, external_id) DO UPDATE SET name = EXCLUDED.name
    RETURNING external_id, id
)
SELECT external_id, id FROM known WHERE id IS NOT NULL
UNION ALL
SELECT external_id, id FROM added

-- Delete a batch's raw rows and return them, except those that another parse has taken. Rejected ones are quarantined and
-- replace older rejected documents of the same record (raw_id orders them). Parsed ones go to the archive if it is kept. If
-- not, older ones are deleted there, because a rebuild from an archive with a gap would restore old values.
-- Uses clusters_clustersyncdata_cluster_idx and rejected_record_cluster_idx.
WITH taken AS (
    DELETE FROM clusters_clustersyncdata
    WHERE id = ANY(%(ids)s) AND cluster_id = %(cluster_id)s
    RETURNING id, kind, external_id, fingerprint, provisional, internal_created, data
), refused AS (
    SELECT t.id, t.kind, COALESCE(t.external_id, r.external_id) AS external_id, t.fingerprint, t.provisional,
           t.data::text AS document, r.reason, r.message, r.superseded
    FROM taken t
    JOIN unnest(%(refused_ids)s::bigint[], %(refused_external_ids)s::bigint[], %(reasons)s::text[], %(messages)s::text[],
                %(superseded)s::boolean[]) AS r (id, external_id, reason, message, superseded) ON r.id = t.id
), again AS (
    UPDATE pipeline.rejected_record q
    SET reason = r.reason, message = r.message, document = r.document, fingerprint = r.fingerprint,
        provisional = r.provisional, attempts = q.attempts + 1, last_rejected = NOW(), raw_id = r.id
    FROM refused r
    WHERE q.cluster_id = %(cluster_id)s AND q.kind = r.kind AND q.external_id = r.external_id AND NOT r.superseded
      AND (q.raw_id IS NULL OR q.raw_id < r.id)
), quarantined AS (
    INSERT INTO pipeline.rejected_record
        (cluster_id, kind, external_id, reason, message, document, fingerprint, provisional, raw_id)
    SELECT %(cluster_id)s, kind, external_id, reason, message, document, fingerprint, provisional, id
    FROM refused r
    WHERE NOT superseded AND NOT EXISTS (
        SELECT FROM pipeline.rejected_record q
        WHERE q.cluster_id = %(cluster_id)s AND q.kind = r.kind AND q.external_id = r.external_id)
    ORDER BY id
), archived AS (
    INSERT INTO pipeline.raw_archive
        (cluster_id, kind, external_id, fingerprint, provisional, received_at, raw_id, document)
    SELECT %(cluster_id)s, kind, external_id, fingerprint, provisional, COALESCE(internal_created, NOW()), id, data::text
    FROM taken WHERE %(archive)s AND id NOT IN (SELECT id FROM refused) ORDER BY id
), gap AS (
    DELETE FROM pipeline.raw_archive WHERE NOT %(archive)s AND cluster_id = %(cluster_id)s
)
SELECT id FROM taken

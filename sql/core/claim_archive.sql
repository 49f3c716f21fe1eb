-- Process a batch of archived documents again; they stay in the archive. One that this release rejects is also quarantined,
-- unless a later document of the same record is there. Uses raw_archive_pkey and rejected_record_cluster_idx.
WITH taken AS (
    SELECT id, kind, external_id, fingerprint, provisional, document
    FROM pipeline.raw_archive
    WHERE id = ANY(%(ids)s) AND cluster_id = %(cluster_id)s
), refused AS (
    SELECT t.id, t.kind, COALESCE(t.external_id, r.external_id) AS external_id, t.fingerprint, t.provisional, t.document,
           r.reason, r.message, r.superseded
    FROM taken t
    JOIN unnest(%(refused_ids)s::bigint[], %(refused_external_ids)s::bigint[], %(reasons)s::text[], %(messages)s::text[],
                %(superseded)s::boolean[]) AS r (id, external_id, reason, message, superseded) ON r.id = t.id
), quarantined AS (
    INSERT INTO pipeline.rejected_record
        (cluster_id, kind, external_id, reason, message, document, fingerprint, provisional)
    SELECT %(cluster_id)s, r.kind, r.external_id, reason, message, document, fingerprint, provisional
    FROM refused r
    WHERE NOT superseded AND NOT EXISTS (
        SELECT FROM pipeline.rejected_record q
        WHERE q.cluster_id = %(cluster_id)s AND q.kind = r.kind AND q.external_id = r.external_id)
    ORDER BY id
)
SELECT id FROM taken

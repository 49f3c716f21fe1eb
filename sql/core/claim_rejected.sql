-- Take a batch's records out of quarantine: those that are now valid (they go to the archive if it is kept, as in
-- core/claim_raw). Those rejected again stay with the new reason. A record rejected since it was read holds a newer document
-- and is skipped. Uses rejected_record_pkey.
WITH found AS (
    SELECT id, last_rejected FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[]) AS f (id, last_rejected)
), refused AS (
    SELECT id, external_id, reason, message, superseded
    FROM unnest(%(refused_ids)s::bigint[], %(refused_external_ids)s::bigint[], %(reasons)s::text[],
                %(messages)s::text[], %(superseded)s::boolean[])
        AS r (id, external_id, reason, message, superseded)
), taken AS (
    DELETE FROM pipeline.rejected_record q
    USING found f
    WHERE q.id = ANY(%(ids)s) AND q.cluster_id = %(cluster_id)s AND f.id = q.id AND f.last_rejected = q.last_rejected
      AND q.id NOT IN (SELECT id FROM refused WHERE NOT superseded)
    RETURNING q.id, q.kind, q.external_id, q.fingerprint, q.provisional, q.last_rejected, q.document
), kept AS (
    UPDATE pipeline.rejected_record q
    SET reason = r.reason, message = r.message, attempts = q.attempts + 1, last_rejected = NOW()
    FROM refused r JOIN found f USING (id)
    WHERE q.id = r.id AND q.id = ANY(%(ids)s) AND q.cluster_id = %(cluster_id)s AND NOT r.superseded
      AND f.last_rejected = q.last_rejected
    RETURNING q.id
), archived AS (
    INSERT INTO pipeline.raw_archive
        (cluster_id, kind, external_id, fingerprint, provisional, replayed, received_at, document)
    SELECT %(cluster_id)s, kind, external_id, fingerprint, provisional, TRUE, last_rejected, document
    FROM taken WHERE %(archive)s AND id NOT IN (SELECT id FROM refused) ORDER BY id
), gap AS (
    DELETE FROM pipeline.raw_archive WHERE NOT %(archive)s AND cluster_id = %(cluster_id)s
)
SELECT id FROM taken
UNION ALL
SELECT id FROM kept

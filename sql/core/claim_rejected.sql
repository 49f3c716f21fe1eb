-- Take a batch's records out of quarantine: those that are understood now leave it (and go to the archive, if it is kept),
-- those refused again stay with the new reason. Uses rejected_record_pkey.
WITH refused AS (
    SELECT * FROM unnest(%(refused_ids)s::bigint[], %(refused_external_ids)s::bigint[], %(reasons)s::text[],
                         %(messages)s::text[], %(superseded)s::boolean[])
        AS r (id, external_id, reason, message, superseded)
), taken AS (
    DELETE FROM pipeline.rejected_record
    WHERE id = ANY(%(ids)s) AND cluster_id = %(cluster_id)s
      AND id NOT IN (SELECT id FROM refused WHERE NOT superseded)
    RETURNING id, kind, external_id, fingerprint, provisional, first_rejected, document
), kept AS (
    UPDATE pipeline.rejected_record q
    SET reason = r.reason, message = r.message, attempts = q.attempts + 1, last_rejected = NOW()
    FROM refused r
    WHERE q.id = r.id AND q.id = ANY(%(ids)s) AND q.cluster_id = %(cluster_id)s AND NOT r.superseded
    RETURNING q.id
), archived AS (
    INSERT INTO pipeline.raw_archive
        (cluster_id, kind, external_id, fingerprint, provisional, replayed, received_at, document)
    SELECT %(cluster_id)s, kind, external_id, fingerprint, provisional, TRUE, first_rejected, document
    FROM taken WHERE %(archive)s AND id NOT IN (SELECT id FROM refused) ORDER BY id
)
SELECT id FROM taken
UNION ALL
SELECT id FROM kept

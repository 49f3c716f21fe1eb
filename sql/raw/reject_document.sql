-- A document that jsonb cannot hold goes to quarantine as the text that it is, in place of what was refused of the same
-- record before. Index: rejected_record_cluster_idx.
WITH again AS (
    UPDATE pipeline.rejected_record
    SET reason = 'unstorable_text', message = %(message)s, document = %(document)s, fingerprint = %(fingerprint)s,
        provisional = %(provisional)s, attempts = attempts + 1, last_rejected = NOW(), raw_id = NULL
    WHERE cluster_id = %(cluster)s AND kind = %(kind)s AND external_id = %(external_id)s::bigint
    RETURNING id
)
INSERT INTO pipeline.rejected_record (cluster_id, kind, external_id, reason, message, document, fingerprint, provisional)
SELECT %(cluster)s, %(kind)s, %(external_id)s::bigint, 'unstorable_text', %(message)s, %(document)s, %(fingerprint)s,
       %(provisional)s
WHERE NOT EXISTS (SELECT FROM again)

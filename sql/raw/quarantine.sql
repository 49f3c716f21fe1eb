-- Quarantine a document that never was a raw row, replacing an earlier rejected document of the same record. It takes a
-- raw row's number, which orders documents. Uses rejected_record_cluster_idx.
WITH again AS (
    UPDATE pipeline.rejected_record
    SET reason = %(reason)s, message = %(message)s, document = %(document)s, fingerprint = %(fingerprint)s,
        provisional = %(provisional)s, attempts = attempts + 1, last_rejected = NOW(),
        raw_id = nextval('clusters_clustersyncdata_id_seq')
    WHERE cluster_id = %(cluster_id)s AND kind = %(kind)s AND external_id = %(external_id)s::bigint
    RETURNING id
), added AS (
    INSERT INTO pipeline.rejected_record
        (cluster_id, kind, external_id, reason, message, document, fingerprint, provisional, raw_id)
    SELECT %(cluster_id)s, %(kind)s, %(external_id)s::bigint, %(reason)s, %(message)s, %(document)s, %(fingerprint)s,
           %(provisional)s, nextval('clusters_clustersyncdata_id_seq')
    WHERE NOT EXISTS (SELECT FROM again)
    RETURNING id
)
SELECT id FROM again UNION ALL SELECT id FROM added

-- Stream a cluster's quarantined records, or those of given ids, in order of arrival, each with the time of its last
-- rejection.
-- Uses rejected_record_pkey.
COPY (
    SELECT id, kind, external_id::bigint, fingerprint, provisional, last_rejected, TRUE, document
    FROM pipeline.rejected_record
    WHERE cluster_id = %(cluster_id)s AND id > %(after)s AND (%(only)s::bigint[] IS NULL OR id = ANY(%(only)s))
    ORDER BY id LIMIT %(limit)s
) TO STDOUT (FORMAT BINARY)

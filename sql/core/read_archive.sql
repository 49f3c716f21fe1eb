-- Stream a cluster's archived documents in the order in which they were parsed. Uses raw_archive_cluster_idx.
COPY (
    SELECT id, kind, external_id::bigint, fingerprint, provisional, received_at, replayed, document
    FROM pipeline.raw_archive
    WHERE cluster_id = %(cluster_id)s AND id > %(after)s
    ORDER BY id LIMIT %(limit)s
) TO STDOUT (FORMAT BINARY)

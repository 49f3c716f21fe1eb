-- Stream a cluster's unparsed raw rows in order of arrival. Uses clusters_clustersyncdata_cluster_idx.
COPY (
    SELECT id::bigint AS wide_id, kind, external_id::bigint, fingerprint, provisional, internal_created, FALSE, data::text
    FROM clusters_clustersyncdata
    WHERE cluster_id = %(cluster_id)s AND id > %(after)s
    ORDER BY clusters_clustersyncdata.id LIMIT %(limit)s
) TO STDOUT (FORMAT BINARY)

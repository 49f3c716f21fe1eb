-- Clusters with quarantined records, with the ids of the given records that exist; without given ids, of all records.
-- Uses rejected_record_pkey for given records.
SELECT cluster_id, COALESCE(array_agg(id) FILTER (WHERE %(only)s::bigint[] IS NOT NULL), '{}')
FROM pipeline.rejected_record
WHERE %(only)s::bigint[] IS NULL OR id = ANY(%(only)s::bigint[])
GROUP BY cluster_id ORDER BY cluster_id

-- Clusters that have something in quarantine, of the given records or of all. Uses rejected_record_pkey
-- for given records.
SELECT DISTINCT cluster_id FROM pipeline.rejected_record
WHERE %(only)s::bigint[] IS NULL OR id = ANY(%(only)s::bigint[])
ORDER BY cluster_id

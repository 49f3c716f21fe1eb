-- Number of quarantined documents of some clusters (NULL: all). Uses rejected_record_cluster_idx.
SELECT count(*) FROM pipeline.rejected_record
WHERE %(clusters)s::int[] IS NULL OR cluster_id = ANY(%(clusters)s::int[])

-- The newest archived document of a cluster, if it came after a given one, and how many did. The comparison of pairs keeps
-- to the cluster's own documents. Uses raw_archive_cluster_idx.
SELECT max(id), count(*) FROM pipeline.raw_archive
WHERE cluster_id = %(cluster_id)s AND (cluster_id, id) > (%(cluster_id)s, %(after)s)

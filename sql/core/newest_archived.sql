-- The newest archived document of a cluster, if it came after a given one. Uses raw_archive_cluster_idx.
SELECT max(id) FROM pipeline.raw_archive WHERE cluster_id = %(cluster_id)s AND id > %(after)s

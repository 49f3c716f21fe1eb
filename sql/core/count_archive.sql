-- How many documents of a cluster the archive holds. Uses raw_archive_cluster_idx.
SELECT count(*) FROM pipeline.raw_archive WHERE cluster_id = %(cluster_id)s

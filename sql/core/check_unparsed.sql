-- Number of a cluster's raw rows that have been unparsed for more than `age` seconds, and the time of the oldest. Index:
-- clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx.
SELECT count(*), min(internal_created)
FROM clusters_clustersyncdata
WHERE internal_created < NOW() - make_interval(secs => %(age)s) AND cluster_id = %(cluster_id)s

-- Raw rows unparsed for more than `age` seconds, per cluster. Index for one cluster:
-- clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx.
SELECT cluster_id, count(*), min(internal_created)
FROM clusters_clustersyncdata
WHERE internal_created < NOW() - make_interval(secs => %(age)s)
  AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s::int)
GROUP BY cluster_id ORDER BY cluster_id

-- Raw rows unparsed for more than `age` seconds, per cluster. Reads one cluster's rows by
-- either index that begins with the cluster.
SELECT cluster_id, count(*), min(internal_created)
FROM clusters_clustersyncdata
WHERE internal_created < NOW() - make_interval(secs => %(age)s)
  AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s::int)
GROUP BY cluster_id ORDER BY cluster_id

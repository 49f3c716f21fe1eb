-- Names of the clusters that have a watermark. Small tables: sequential scans.
SELECT cluster.name
FROM clusters_cluster cluster
JOIN clusters_clustersyncstatus status ON status.cluster_id = cluster.id

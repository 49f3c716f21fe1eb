-- Numbers of records rejected since a time, by cluster and reason. Uses rejected_record_cluster_idx for one cluster.
SELECT cluster_id, reason, count(*)
FROM pipeline.rejected_record
WHERE (%(since)s::timestamptz IS NULL OR last_rejected > %(since)s::timestamptz)
  AND (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s::int)
GROUP BY cluster_id, reason ORDER BY cluster_id, reason

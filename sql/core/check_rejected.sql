-- Numbers of a cluster's quarantined records by reason: rejected since a time, and all. Index: rejected_record_cluster_idx.
SELECT reason, count(*) FILTER (WHERE last_rejected > %(since)s), count(*)
FROM pipeline.rejected_record
WHERE cluster_id = %(cluster_id)s
GROUP BY reason ORDER BY reason

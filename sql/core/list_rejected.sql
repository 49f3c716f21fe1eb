-- Quarantined records without their documents, the last rejected first. Uses rejected_record_cluster_idx for one cluster.
SELECT r.id, r.cluster_id, c.name AS cluster, r.kind, r.external_id, r.reason, r.message, r.attempts, r.first_rejected,
       r.last_rejected
FROM pipeline.rejected_record r JOIN clusters_cluster c ON c.id = r.cluster_id
WHERE (%(cluster_id)s::int IS NULL OR r.cluster_id = %(cluster_id)s::int)
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s::text)
ORDER BY r.last_rejected DESC, r.id DESC LIMIT %(limit)s

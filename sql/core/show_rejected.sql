-- One quarantined record with its document. Uses rejected_record_pkey.
SELECT r.id, r.cluster_id, c.name AS cluster, r.kind, r.external_id, r.reason, r.message, r.attempts, r.first_rejected,
       r.last_rejected, r.document
FROM pipeline.rejected_record r JOIN clusters_cluster c ON c.id = r.cluster_id
WHERE r.id = %(id)s

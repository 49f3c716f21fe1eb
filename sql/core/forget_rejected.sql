-- Drop from quarantine the records of which this batch stored a newer document. Uses rejected_record_cluster_idx.
DELETE FROM pipeline.rejected_record q
USING unnest(%(kinds)s::text[], %(external_ids)s::bigint[]) AS p (kind, external_id)
WHERE q.cluster_id = %(cluster_id)s AND q.kind = p.kind AND q.external_id = p.external_id

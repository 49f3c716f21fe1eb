-- Delete quarantined records of which this batch stored a newer document (a later raw row).
-- Uses rejected_record_cluster_idx.
DELETE FROM pipeline.rejected_record q
USING unnest(%(kinds)s::text[], %(external_ids)s::bigint[], %(raw_ids)s::bigint[]) AS p (kind, external_id, raw_id)
WHERE q.cluster_id = %(cluster_id)s AND q.kind = p.kind AND q.external_id = p.external_id
  AND (q.raw_id IS NULL OR q.raw_id < p.raw_id)

-- Delete raw rows older than a day that were certainly dealt with: parsed into the archive, or quarantined. A parse takes
-- its rows away itself, so this finds only what a restore brought back; an unparsed row stays, however old it is.
-- Index: clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx.
DELETE FROM clusters_clustersyncdata r
WHERE r.cluster_id = %(cluster_id)s AND r.internal_created < NOW() - INTERVAL '24 hours'
  AND (EXISTS (SELECT FROM pipeline.raw_archive a
               WHERE a.cluster_id = r.cluster_id AND a.raw_id = r.id AND a.received_at = r.internal_created)
       OR EXISTS (SELECT FROM pipeline.rejected_record q
                  WHERE q.cluster_id = r.cluster_id AND q.raw_id = r.id AND q.last_rejected >= r.internal_created))

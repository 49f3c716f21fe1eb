-- Delete raw rows older than a day that are in the archive or in quarantine. A parse deletes its rows itself, so this finds
-- only rows that a restore brought back. Unparsed rows stay at any age; the check nothing_unparsed reports them.
-- Reads the whole raw table, once per hour: it holds only rows that wait for a parse.
DELETE FROM clusters_clustersyncdata r
WHERE r.internal_created < NOW() - INTERVAL '24 hours'
  AND (EXISTS (SELECT FROM pipeline.raw_archive a
               WHERE a.cluster_id = r.cluster_id AND a.raw_id = r.id AND a.received_at = r.internal_created)
       OR EXISTS (SELECT FROM pipeline.rejected_record q
                  WHERE q.cluster_id = r.cluster_id AND q.raw_id = r.id AND q.last_rejected >= r.internal_created))

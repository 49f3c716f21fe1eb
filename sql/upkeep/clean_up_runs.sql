-- Delete rows of syncs older than `days` that have a later successful one of their kind. Reads the
-- syncs as a whole, and later ones by index: sync_run_cluster_idx.
DELETE FROM pipeline.sync_run old
WHERE old.started_at < NOW() - make_interval(days => %(days)s)
  AND EXISTS (SELECT FROM pipeline.sync_run newer
              WHERE newer.cluster_id = old.cluster_id AND newer.id > old.id AND newer.kind = old.kind
                AND newer.outcome = 'succeeded')

-- Mark running syncs as interrupted: we hold the lock of the cluster, so their process is gone. Index:
-- sync_run_cluster_idx.
UPDATE pipeline.sync_run
SET outcome = 'interrupted', finished_at = NOW(),
    error = 'The process that ran this sync is gone. Nothing is lost: the next sync goes on where it stopped.'
WHERE cluster_id = %(cluster)s AND outcome = 'running'

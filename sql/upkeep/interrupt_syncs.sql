-- Mark running syncs as interrupted if no session holds the lock (kind, cluster) of their cluster. Reads all of
-- sync_run, which clean_up_runs keeps small.
WITH idle AS MATERIALIZED (
    SELECT cluster_id FROM (SELECT DISTINCT cluster_id FROM pipeline.sync_run WHERE outcome = 'running') running
    WHERE pg_try_advisory_xact_lock(%(kind)s, cluster_id)
)
UPDATE pipeline.sync_run
SET outcome = 'interrupted', finished_at = NOW(),
    error = 'The process that ran this sync is gone. Nothing is lost: the next sync goes on where it stopped.'
FROM idle
WHERE sync_run.cluster_id = idle.cluster_id AND outcome = 'running'

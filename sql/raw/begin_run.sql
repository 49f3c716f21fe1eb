-- Insert the row of a sync, and mark this cluster's running rows as interrupted: only the holder of its lock runs.
-- Index: sync_run_cluster_idx.
WITH died AS (
    UPDATE pipeline.sync_run SET outcome = 'interrupted', finished_at = NOW()
    WHERE cluster_id = %(cluster)s AND outcome = 'running'
)
INSERT INTO pipeline.sync_run (cluster_id, kind, dagster_run_id)
VALUES (%(cluster)s, %(kind)s, %(dagster_run_id)s)
RETURNING id

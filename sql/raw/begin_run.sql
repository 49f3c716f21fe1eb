-- Opens the book-keeping row of a sync. Runs of this cluster still "running" died: only one at a time holds its lock.
-- Index: sync_run_cluster_idx.
WITH died AS (
    UPDATE pipeline.sync_run SET outcome = 'interrupted', finished_at = NOW()
    WHERE cluster_id = %(cluster)s AND outcome = 'running'
)
INSERT INTO pipeline.sync_run (cluster_id, kind, dagster_run_id)
VALUES (%(cluster)s, %(kind)s, %(dagster_run_id)s)
RETURNING id

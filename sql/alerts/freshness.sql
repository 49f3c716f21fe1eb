-- Each enabled cluster with the end of its last successful sync, or when it was added. Index: sync_run_cluster_idx.
SELECT cluster.name, COALESCE(
    (SELECT run.finished_at FROM pipeline.sync_run run
     WHERE run.cluster_id = cluster.id AND run.kind = 'sync' AND run.outcome = 'succeeded' ORDER BY run.id DESC LIMIT 1),
    cluster.internal_created)
FROM clusters_cluster cluster WHERE cluster.enabled ORDER BY cluster.name

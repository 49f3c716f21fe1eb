-- Each enabled cluster with the end of its last successful sync (NULL: none) and the time from which one is expected:
-- when its entry was added or changed (enabled, new token), or when a running sync last completed a slice; whether no sync
-- has finished yet, and the hours in which the first one may run (NULL: always). Indexes:
-- sync_run_cluster_idx, clusters_clustersyncstatus_cluster_id_key.
SELECT cluster.name,
    (SELECT run.finished_at FROM pipeline.sync_run run
     WHERE run.cluster_id = cluster.id AND run.kind = 'sync' AND run.outcome = 'succeeded' ORDER BY run.id DESC LIMIT 1),
    GREATEST(cluster.internal_created, cluster.internal_modified,
        (SELECT status.internal_modified FROM clusters_clustersyncstatus status WHERE status.cluster_id = cluster.id)),
    NOT EXISTS (SELECT FROM pipeline.sync_run run WHERE run.cluster_id = cluster.id AND run.kind = 'sync'
                AND run.outcome = 'succeeded' AND NOT run.paused),
    cluster.sync_window
FROM clusters_cluster cluster WHERE cluster.enabled ORDER BY cluster.name

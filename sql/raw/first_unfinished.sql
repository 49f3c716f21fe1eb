-- Whether no sync of a cluster has finished yet. Index: sync_run_cluster_idx.
SELECT NOT EXISTS (SELECT FROM pipeline.sync_run
                   WHERE cluster_id = %(cluster)s AND kind = 'sync' AND outcome = 'succeeded' AND NOT paused)

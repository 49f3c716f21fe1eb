-- Clusters with a running sync. clean_up_runs keeps the table small.
SELECT DISTINCT cluster_id FROM pipeline.sync_run WHERE outcome = 'running' ORDER BY cluster_id

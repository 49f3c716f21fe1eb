-- Clusters of which a sync is said to be running. The table is kept small by clean_up_runs.
SELECT DISTINCT cluster_id FROM pipeline.sync_run WHERE outcome = 'running' ORDER BY cluster_id

-- Delete results of asset checks in deleted runs, which Dagster keeps. The newest result of a check and partition belongs
-- to the newest successful run, which stays. The table has no index on the run, so it is read once as a whole.
DELETE FROM dagster.asset_check_executions WHERE run_id = ANY(%(runs)s)

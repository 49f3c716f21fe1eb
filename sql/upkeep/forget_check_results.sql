-- Results of asset checks in runs that were deleted: Dagster deletes the runs' events, and forgets these. The newest of a check
-- and partition are those of the newest success, which stays. Without an index on the run: one look at the whole table.
DELETE FROM dagster.asset_check_executions WHERE run_id = ANY(%(runs)s)

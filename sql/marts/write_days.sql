-- Writes the loaded days of one cluster and their months anew; returns the runs.
SELECT rollup.write_days(%(cluster_id)s)

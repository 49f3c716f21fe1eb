-- Writes the loaded days of one cluster and their months anew; returns the rows by table.
SELECT relation, written FROM rollup.write_days(%(cluster_id)s)

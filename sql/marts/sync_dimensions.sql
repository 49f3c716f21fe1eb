-- Brings one cluster's dimensions up to date with core; returns the rows written.
SELECT rollup.sync_dimensions(%(cluster_id)s)

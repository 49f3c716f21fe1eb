-- Brings one cluster's dimensions up to date with core.
SELECT rollup.sync_dimensions(%(cluster_id)s)

-- Takes the changes of rates and minutes noted for one cluster; returns the days that each concerns, from the first to the one after
-- the last. Index: pipeline.changed_rate_cluster_idx.
DELETE FROM pipeline.changed_rate WHERE cluster_id = %(cluster_id)s RETURNING valid_from, valid_to

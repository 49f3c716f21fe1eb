-- Takes the changes of rates and minutes noted for one cluster; gives the first day that each concerns.
-- Index: pipeline.changed_rate_cluster_idx.
DELETE FROM pipeline.changed_rate WHERE cluster_id = %(cluster_id)s RETURNING valid_from

-- Takes the days noted as changed for one cluster (NULL: all days); rows committed later stay for the next refresh.
-- Index: pipeline.changed_day_cluster_idx.
DELETE FROM pipeline.changed_day WHERE cluster_id = %(cluster_id)s RETURNING day

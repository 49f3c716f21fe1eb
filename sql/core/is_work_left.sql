-- Whether marts or checks have something to do although no document came: notes that no refresh has taken, or a check of core
-- or the marts that failed and may pass now. Indexes: changed_day_cluster_idx, changed_rate_cluster_idx, alert_open_idx.
SELECT EXISTS (SELECT FROM pipeline.changed_day WHERE cluster_id = %(cluster_id)s)
    OR EXISTS (SELECT FROM pipeline.changed_rate WHERE cluster_id = %(cluster_id)s)
    OR EXISTS (SELECT FROM pipeline.alert WHERE kind = 'check_failed' AND resolved_at IS NULL
               AND subject NOT LIKE 'raw/%%' AND right(subject, length(%(name)s) + 1) = ' ' || %(name)s)

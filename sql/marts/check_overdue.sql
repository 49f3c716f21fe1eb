-- Notes of one cluster that a refresh should have taken by now, and the oldest. Indexes: changed_day_cluster_idx,
-- changed_rate_cluster_idx, rebuild_due_cluster_idx.
SELECT count(*), min(noted_at)
FROM (
    SELECT noted_at FROM pipeline.changed_day WHERE cluster_id = %(cluster_id)s
    UNION ALL SELECT noted_at FROM pipeline.changed_rate WHERE cluster_id = %(cluster_id)s
    UNION ALL SELECT noted_at FROM pipeline.rebuild_due WHERE cluster_id = %(cluster_id)s
) note
WHERE noted_at < NOW() - make_interval(mins => %(minutes)s)

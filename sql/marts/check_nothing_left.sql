-- Clusters with notes that no refresh has taken yet.
SELECT cluster_id, format('notes left: %%s', count(*))
FROM (
    SELECT cluster_id FROM pipeline.changed_day UNION ALL SELECT cluster_id FROM pipeline.changed_rate
    UNION ALL SELECT cluster_id FROM pipeline.rebuild_due
) n
WHERE %(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s
GROUP BY cluster_id

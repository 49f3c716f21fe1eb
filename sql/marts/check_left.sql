-- Clusters with notes that no refresh has taken although they are this old, and the oldest. Index: none, notes are few.
SELECT cluster_id, format('notes left: %%s', count(*)), count(*), min(noted_at)
FROM (
    SELECT cluster_id, noted_at FROM pipeline.changed_day UNION ALL SELECT cluster_id, noted_at FROM pipeline.changed_rate
) note
WHERE (%(cluster_id)s::int IS NULL OR cluster_id = %(cluster_id)s) AND noted_at <= now() - make_interval(mins => %(minutes)s)
GROUP BY cluster_id

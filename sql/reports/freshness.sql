-- Freshness of each cluster and its backlog. Reads the marts only.
SELECT cluster, enabled, last_sync, last_outcome, newest_job, provisional, quarantined, days_to_refresh
FROM marts.freshness WHERE %(clusters)s::int[] IS NULL OR cluster_id = ANY (%(clusters)s)
ORDER BY cluster

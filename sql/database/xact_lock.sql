-- Wait for the advisory lock (kind, cluster) and hold it until the transaction ends. No table, no index.
SELECT pg_advisory_xact_lock(%(kind)s, %(cluster_id)s)

-- Try to take the advisory lock (kind, cluster) until the transaction ends. No table, no index.
SELECT pg_try_advisory_xact_lock(%(kind)s, %(cluster_id)s)

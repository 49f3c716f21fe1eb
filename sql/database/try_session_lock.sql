-- Try to take the advisory lock (kind, cluster) for the connection. No table, no index.
SELECT pg_try_advisory_lock(%(kind)s, %(cluster_id)s)

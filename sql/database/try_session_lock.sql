-- Takes the advisory lock (kind, cluster) for the connection, or says false. No table, no index.
SELECT pg_try_advisory_lock(%(kind)s, %(cluster_id)s)

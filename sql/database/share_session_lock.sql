-- Takes the advisory lock (kind, number) for the connection, beside others that share it. No table, no index.
SELECT pg_advisory_lock_shared(%(kind)s, %(cluster_id)s)

-- Takes the advisory lock (kind, cluster) until the transaction ends, or says false. No table, no index.
SELECT pg_try_advisory_xact_lock(%(kind)s, %(cluster_id)s)

-- Release the connection's advisory lock (kind, cluster). No table, no index.
SELECT pg_advisory_unlock(%(kind)s, %(cluster_id)s)

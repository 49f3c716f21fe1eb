-- Gives the connection's advisory lock (kind, cluster) back. No table, no index.
SELECT pg_advisory_unlock(%(kind)s, %(cluster_id)s)

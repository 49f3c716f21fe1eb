-- One refresh of a cluster's marts at a time, until its transaction ends.
SELECT pg_advisory_xact_lock(%(kind)s::int, %(cluster_id)s::int)

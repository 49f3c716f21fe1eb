-- The days that have data, for a report without dates. Reads the marts only.
SELECT min(date), max(date) FROM marts.activity_daily WHERE %(clusters)s::integer[] IS NULL OR cluster_id = ANY (%(clusters)s)

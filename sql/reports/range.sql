-- First and last day with data. Reads the marts only. Index: savings_daily_date_cluster_id_idx, from both ends.
SELECT min(date), max(date) FROM marts.savings_daily WHERE %(clusters)s::integer[] IS NULL OR cluster_id = ANY (%(clusters)s)

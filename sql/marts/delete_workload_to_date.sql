-- The days to build, and those after them in their months, go from workload_to_date. Index: marts.workload_to_date_date_idx.
DELETE FROM marts.workload_to_date t
USING (SELECT date_trunc('month', date::timestamp)::date AS month, min(date) AS first_built FROM marts_day GROUP BY 1) w
WHERE t.cluster_id = %(cluster_id)s AND t.date >= w.first_built AND t.date < w.month + interval '1 month'

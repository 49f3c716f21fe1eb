-- The days to build, and those after them in their months, go from template_to_date. Index: its primary key.
DELETE FROM marts.template_to_date t
USING (SELECT date_trunc('month', date::timestamp)::date AS month, min(date) AS first_built FROM marts_day GROUP BY 1) w
WHERE t.cluster_id = %(cluster_id)s AND t.date >= w.first_built AND t.date < w.month + interval '1 month'

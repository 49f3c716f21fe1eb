-- Sets a rate from a day on and notes what must be recomputed; gives the day.
SELECT marts.set_rate(%(rate_type)s, %(value)s, %(valid_from)s, %(cluster_id)s, %(organization_id)s)

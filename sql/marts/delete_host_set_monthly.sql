-- The months to build go from host_set_monthly. Index: marts.host_set_monthly_month_idx.
DELETE FROM marts.host_set_monthly m
WHERE m.cluster_id = %(cluster_id)s AND m.month IN (SELECT date_trunc('month', date::timestamp)::date FROM marts_day)

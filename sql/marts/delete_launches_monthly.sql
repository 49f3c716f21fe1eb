-- The months to build go from launches_monthly. Index: marts.launches_monthly_month_idx.
DELETE FROM marts.launches_monthly m
WHERE m.cluster_id = %(cluster_id)s AND m.month IN (SELECT date_trunc('month', date::timestamp)::date FROM marts_day)

-- The months to build go from platform_month. Index: its primary key.
DELETE FROM marts.platform_month m
WHERE m.cluster_id = %(cluster_id)s
  AND m.month IN (SELECT date_trunc('month', date::timestamp)::date FROM marts_day)

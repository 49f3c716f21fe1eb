-- The months to build go from launcher_monthly. Index: its primary key.
DELETE FROM marts.launcher_monthly m
WHERE m.cluster_id = %(cluster_id)s
  AND m.month IN (SELECT date_trunc('month', date::timestamp)::date FROM marts_day)

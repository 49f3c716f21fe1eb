-- The months to build go from organization_host_set_monthly. Index: marts.organization_host_set_monthly_month_idx.
DELETE FROM marts.organization_host_set_monthly m
WHERE m.cluster_id = %(cluster_id)s
  AND m.month IN (SELECT date_trunc('month', date::timestamp)::date FROM marts_day)

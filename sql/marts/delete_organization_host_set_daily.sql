-- The days to build go from organization_host_set_daily. Index: marts.organization_host_set_daily_date_idx.
DELETE FROM marts.organization_host_set_daily a USING marts_day w WHERE a.date = w.date AND a.cluster_id = %(cluster_id)s

-- The days to build go from host_set_daily. Index: marts.host_set_daily_date_idx.
DELETE FROM marts.host_set_daily d USING marts_day w WHERE d.date = w.date AND d.cluster_id = %(cluster_id)s

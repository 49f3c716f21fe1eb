-- The days to build go from host_set_daily. Index: marts.host_set_daily_date_idx.
DELETE FROM marts.host_set_daily d USING marts_day w, marts.series s
WHERE d.date = w.date AND s.series_id = d.series_id AND s.cluster_id = %(cluster_id)s

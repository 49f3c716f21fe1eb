-- The days to build go from run_daily. Index: marts.run_daily_date_idx.
DELETE FROM marts.run_daily d USING marts_day w, marts.series s
WHERE d.date = w.date AND s.series_id = d.series_id AND s.cluster_id = %(cluster_id)s

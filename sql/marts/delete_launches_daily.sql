-- The days to build go from launches_daily. Index: marts.launches_daily_date_idx.
DELETE FROM marts.launches_daily d USING marts_day w, marts.series s
WHERE d.date = w.date AND s.series_id = d.series_id AND s.cluster_id = %(cluster_id)s

-- The days to build go from launches_daily. Index: marts.launches_daily_date_idx.
DELETE FROM marts.launches_daily d USING marts_day w WHERE d.date = w.date AND d.cluster_id = %(cluster_id)s

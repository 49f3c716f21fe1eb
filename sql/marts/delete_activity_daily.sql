-- The days to build go from activity_daily. Index: marts.activity_daily_date_idx.
DELETE FROM marts.activity_daily a USING marts_day w WHERE a.date = w.date AND a.cluster_id = %(cluster_id)s

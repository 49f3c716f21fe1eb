-- The days to build go from activity_daily. Index: its primary key.
DELETE FROM marts.activity_daily a USING marts_day w WHERE a.date = w.date AND a.cluster_id = %(cluster_id)s

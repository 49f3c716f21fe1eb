-- The days to build go from launcher_daily. Index: its primary key.
DELETE FROM marts.launcher_daily a USING marts_day w WHERE a.date = w.date AND a.cluster_id = %(cluster_id)s

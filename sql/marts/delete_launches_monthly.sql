-- The months to build go from launches_monthly. Index: its primary key.
DELETE FROM marts.launches_monthly m USING marts_touched w WHERE m.series_id = w.series_id AND m.month = w.month

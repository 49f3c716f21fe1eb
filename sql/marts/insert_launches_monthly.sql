-- The sum of a series' days by launcher. Index: marts.launches_daily's primary key.
INSERT INTO marts.launches_monthly
SELECT w.month, d.series_id, d.user_id, sum(d.runs), sum(d.hosts), sum(d.elapsed_ms)
FROM marts_touched w
JOIN marts.launches_daily d ON d.series_id = w.series_id AND d.date >= w.month AND d.date < w.month + interval '1 month'
GROUP BY w.month, d.series_id, d.user_id
ORDER BY w.month, d.series_id, d.user_id

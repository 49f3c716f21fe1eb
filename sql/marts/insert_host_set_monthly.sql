-- The union of a series' days. Index: marts.host_set_daily's primary key.
INSERT INTO marts.host_set_monthly
SELECT w.month, d.series_id, d.chunk, bit_or(d.hosts)
FROM marts_touched w
JOIN marts.host_set_daily d ON d.series_id = w.series_id AND d.date >= w.month AND d.date < w.month + interval '1 month'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

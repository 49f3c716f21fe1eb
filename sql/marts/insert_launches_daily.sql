-- Runs with hosts by day, series and launcher.
INSERT INTO marts.launches_daily
SELECT r.date, %(cluster_id)s::int, r.series_id, r.user_id, count(*), sum(r.num_hosts), (sum(r.elapsed) * 1000)::bigint
FROM marts_run r WHERE r.num_hosts > 0
GROUP BY r.date, r.series_id, r.user_id
ORDER BY r.date, r.series_id, r.user_id

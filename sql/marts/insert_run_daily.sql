-- One row a day and series. Runs have hosts; jobs without are counted apart, for the charts count them.
INSERT INTO marts.run_daily
SELECT r.date, r.series_id,
    count(*) FILTER (WHERE r.num_hosts > 0) AS runs,
    count(*) FILTER (WHERE NOT r.num_hosts > 0) AS runs_without_hosts,
    count(*) FILTER (WHERE r.provisional) AS provisional_runs,
    sum(r.num_hosts) AS hosts,
    COALESCE(sum(r.changed_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.dark_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.failures_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.ok_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.processed_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.skipped_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.failed_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.ignored_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE(sum(r.rescued_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
    COALESCE((sum(r.elapsed) FILTER (WHERE r.num_hosts > 0) * 1000)::bigint, 0)
FROM marts_run r
GROUP BY r.date, r.series_id
ORDER BY r.date, r.series_id

-- The sum of a series' days. Index: marts.run_daily's primary key, one range a series and month.
INSERT INTO marts.run_monthly
SELECT w.month, d.series_id, sum(d.runs), sum(d.runs_without_hosts), sum(d.provisional_runs), sum(d.hosts),
    sum(d.changed_hosts), sum(d.dark_hosts), sum(d.failures_hosts), sum(d.ok_hosts), sum(d.processed_hosts),
    sum(d.skipped_hosts), sum(d.failed_hosts), sum(d.ignored_hosts), sum(d.rescued_hosts), sum(d.elapsed_ms),
    sum(d.manual_cents_as_recorded), sum(d.creation_cents_as_recorded), sum(d.run_cent_ms_as_recorded)
FROM marts_touched w
JOIN marts.recorded_daily d ON d.series_id = w.series_id AND d.date >= w.month AND d.date < w.month + interval '1 month'
GROUP BY w.month, d.series_id
ORDER BY w.month, d.series_id

-- The sum of a series' days. Index: marts.run_daily's primary key, one range a series and month: asked apart for each, for
-- joined, all days of the series would be read.
INSERT INTO marts.run_monthly
SELECT w.month, w.series_id, m.*
FROM marts_touched w
CROSS JOIN LATERAL (
    SELECT sum(d.runs), sum(d.runs_without_hosts), sum(d.provisional_runs), sum(d.hosts), sum(d.changed_hosts),
        sum(d.dark_hosts), sum(d.failures_hosts), sum(d.ok_hosts), sum(d.processed_hosts), sum(d.skipped_hosts),
        sum(d.failed_hosts), sum(d.ignored_hosts), sum(d.rescued_hosts), sum(d.elapsed_ms),
        sum(d.manual_cents_as_recorded), sum(d.creation_cents_as_recorded), sum(d.run_cent_ms_as_recorded)
    FROM marts.recorded_daily d
    WHERE d.series_id = w.series_id AND d.date >= w.month AND d.date < w.month + interval '1 month'
    HAVING count(*) > 0
) m
ORDER BY w.month, w.series_id

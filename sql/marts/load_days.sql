-- The changed days, which core notes in the reporting time zone, with their bounds.
INSERT INTO marts_day
SELECT DISTINCT day, marts.day_start(day, f.reporting_timezone), marts.day_start(day + 1, f.reporting_timezone)
FROM marts.formula f CROSS JOIN unnest(%(days)s::date[]) AS day

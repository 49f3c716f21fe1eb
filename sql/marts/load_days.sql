-- The changed days, which core notes in the reporting time zone, with their bounds.
INSERT INTO marts_day
SELECT DISTINCT day, day::timestamp AT TIME ZONE f.reporting_timezone, (day + 1)::timestamp AT TIME ZONE f.reporting_timezone
FROM marts.formula f CROSS JOIN unnest(%(days)s::date[]) AS day

-- The reporting days that changed UTC days can lie on, with their bounds. A zone east or west of UTC shifts the day by at
-- most one; noting days in the reporting zone instead would need no shift, and is covered all the same.
INSERT INTO marts_day
SELECT DISTINCT d::date, d AT TIME ZONE f.reporting_timezone, (d + interval '1 day') AT TIME ZONE f.reporting_timezone
FROM marts.formula f
CROSS JOIN unnest(%(days)s::date[]) AS day
CROSS JOIN LATERAL generate_series(
    day::timestamp - CASE f.reporting_timezone WHEN 'UTC' THEN interval '0' ELSE interval '1 day' END,
    day::timestamp + CASE f.reporting_timezone WHEN 'UTC' THEN interval '0' ELSE interval '1 day' END,
    interval '1 day') AS d
ON CONFLICT (date) DO NOTHING

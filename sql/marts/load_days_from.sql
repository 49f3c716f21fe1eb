-- Every day from the first that a change of rates or minutes concerns on. Index: dim_date_pkey.
INSERT INTO marts_day
SELECT date, marts.day_start(date, f.reporting_timezone), marts.day_start(date + 1, f.reporting_timezone)
FROM marts.formula f CROSS JOIN marts.dim_date
WHERE date >= %(valid_from)s

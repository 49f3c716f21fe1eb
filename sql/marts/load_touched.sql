-- The months of the series that had or now have runs on the days to build. Index: marts.run_daily_date_idx.
INSERT INTO marts_touched
SELECT DISTINCT date_trunc('month', d.date::timestamp)::date, d.series_id
FROM marts.run_daily d JOIN marts_day USING (date) JOIN marts.series s USING (series_id)
WHERE s.cluster_id = %(cluster_id)s
UNION
SELECT DISTINCT date_trunc('month', r.date::timestamp)::date, r.series_id FROM marts_run r

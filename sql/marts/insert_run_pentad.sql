-- The sum of a series' days, for the pentads that hold a day to build. Index: marts.run_daily_date_idx.
INSERT INTO marts.run_pentad
SELECT w.pentad, d.series_id, sum(d.runs), sum(d.provisional_runs), sum(d.hosts), sum(d.elapsed_ms),
    sum(d.manual_cents_as_recorded), sum(d.creation_cents_as_recorded), sum(d.run_cent_ms_as_recorded)
FROM (SELECT DISTINCT marts.pentad(date) AS pentad FROM marts_day) w
JOIN marts.run_daily d ON d.date >= w.pentad AND d.date < marts.next_pentad(w.pentad)
JOIN marts.series s ON s.series_id = d.series_id
WHERE s.cluster_id = %(cluster_id)s
GROUP BY w.pentad, d.series_id
ORDER BY w.pentad, d.series_id

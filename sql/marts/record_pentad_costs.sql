-- Costs as recorded by pentad, anew from the days.
UPDATE marts.run_pentad p
SET manual_cents_as_recorded = q.manual, creation_cents_as_recorded = q.creation, run_cent_ms_as_recorded = q.run
FROM (
    SELECT d.series_id, marts.pentad(d.date) AS pentad, sum(d.manual_cents_as_recorded) AS manual,
        sum(d.creation_cents_as_recorded) AS creation, sum(d.run_cent_ms_as_recorded) AS run
    FROM marts.run_daily d JOIN marts.series s USING (series_id)
    WHERE s.cluster_id = %(cluster_id)s AND d.date >= marts.pentad(%(valid_from)s)
    GROUP BY 1, 2
) q
WHERE p.series_id = q.series_id AND p.pentad = q.pentad
  AND (p.manual_cents_as_recorded, p.creation_cents_as_recorded, p.run_cent_ms_as_recorded) <> (q.manual, q.creation, q.run)

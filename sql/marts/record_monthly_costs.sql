-- Costs as recorded by month, anew from the days.
UPDATE marts.run_monthly m
SET manual_cents_as_recorded = q.manual, creation_cents_as_recorded = q.creation, run_cent_ms_as_recorded = q.run
FROM (
    SELECT d.series_id, date_trunc('month', d.date::timestamp)::date AS month, sum(d.manual_cents_as_recorded) AS manual,
        sum(d.creation_cents_as_recorded) AS creation, sum(d.run_cent_ms_as_recorded) AS run
    FROM marts.recorded_daily d JOIN marts.series s USING (series_id)
    WHERE s.cluster_id = %(cluster_id)s AND d.date >= date_trunc('month', %(valid_from)s::timestamp)::date
    GROUP BY 1, 2
) q
WHERE m.series_id = q.series_id AND m.month = q.month
  AND (m.manual_cents_as_recorded, m.creation_cents_as_recorded, m.run_cent_ms_as_recorded) <> (q.manual, q.creation, q.run)

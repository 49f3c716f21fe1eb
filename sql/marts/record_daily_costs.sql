-- Costs as recorded, anew from the quantities, from the first day that a change of rates or minutes concerns.
-- Index: marts.run_daily_date_idx.
UPDATE marts.run_daily d
SET manual_cents_as_recorded = d.hosts * t.manual_minutes * (p.manual * 100)::bigint,
    creation_cents_as_recorded = d.runs * t.creation_minutes * (p.manual * 100)::bigint,
    run_cent_ms_as_recorded = d.elapsed_ms * (p.automated * 100)::bigint
FROM marts.series s, marts.template_minutes t, marts.rate_period p
WHERE s.series_id = d.series_id AND s.cluster_id = %(cluster_id)s AND d.date >= %(valid_from)s
  AND t.job_template_id = s.job_template_id AND d.date >= t.valid_from AND d.date < t.valid_to
  AND p.cluster_id = s.cluster_id AND p.organization_id = s.organization_id AND d.date >= p.valid_from AND d.date < p.valid_to
  AND (d.manual_cents_as_recorded, d.creation_cents_as_recorded, d.run_cent_ms_as_recorded)
    <> (d.hosts * t.manual_minutes * (p.manual * 100)::bigint, d.runs * t.creation_minutes * (p.manual * 100)::bigint, d.elapsed_ms * (p.automated * 100)::bigint)

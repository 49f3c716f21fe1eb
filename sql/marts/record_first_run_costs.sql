-- What creating each template cost by the rate and the minutes of the day of its first run.
UPDATE marts.first_run f SET creation_cents_as_recorded = t.creation_minutes * (p.manual * 100)::bigint
FROM marts.series s, marts.template_minutes t, marts.rate_period p
WHERE s.series_id = f.series_id AND s.cluster_id = %(cluster_id)s
  AND t.job_template_id = f.job_template_id AND f.date >= t.valid_from AND f.date < t.valid_to
  AND p.cluster_id = s.cluster_id AND p.organization_id = s.organization_id AND f.date >= p.valid_from AND f.date < p.valid_to
  AND f.creation_cents_as_recorded <> t.creation_minutes * (p.manual * 100)::bigint

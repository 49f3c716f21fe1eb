-- Costs as recorded of templates to date, anew from the days. Index: marts.run_daily_date_idx, template_to_date's primary key.
WITH daily AS (
    SELECT d.date, s.organization_id, s.job_template_id, s.project_id,
        sum(d.manual_cents_as_recorded) AS manual_cents_as_recorded,
        COALESCE(sum(d.manual_cents_as_recorded) FILTER (WHERE s.status = 'successful'), 0) AS successful_manual_cents_as_recorded,
        sum(d.creation_cents_as_recorded) AS creation_cents_as_recorded,
        COALESCE(sum(d.creation_cents_as_recorded) FILTER (WHERE s.status = 'successful'), 0) AS successful_creation_cents_as_recorded,
        sum(d.run_cent_ms_as_recorded) AS run_cent_ms_as_recorded,
        COALESCE(sum(d.run_cent_ms_as_recorded) FILTER (WHERE s.status = 'successful'), 0) AS successful_run_cent_ms_as_recorded,
        COALESCE(sum(d.manual_cents_as_recorded) FILTER (WHERE s.job_type = 'check'), 0) AS check_manual_cents_as_recorded,
        COALESCE(sum(d.manual_cents_as_recorded) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_manual_cents_as_recorded,
        COALESCE(sum(d.creation_cents_as_recorded) FILTER (WHERE s.job_type = 'check'), 0) AS check_creation_cents_as_recorded,
        COALESCE(sum(d.creation_cents_as_recorded) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_creation_cents_as_recorded,
        COALESCE(sum(d.run_cent_ms_as_recorded) FILTER (WHERE s.job_type = 'check'), 0) AS check_run_cent_ms_as_recorded,
        COALESCE(sum(d.run_cent_ms_as_recorded) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_run_cent_ms_as_recorded
    FROM marts.run_daily d JOIN marts.series s USING (series_id)
    WHERE s.cluster_id = %(cluster_id)s AND d.date >= date_trunc('month', %(valid_from)s::timestamp)::date
    GROUP BY 1, 2, 3, 4
)
UPDATE marts.template_to_date t
SET manual_cents_as_recorded = q.manual_cents_as_recorded,
    successful_manual_cents_as_recorded = q.successful_manual_cents_as_recorded,
    creation_cents_as_recorded = q.creation_cents_as_recorded,
    successful_creation_cents_as_recorded = q.successful_creation_cents_as_recorded,
    run_cent_ms_as_recorded = q.run_cent_ms_as_recorded,
    successful_run_cent_ms_as_recorded = q.successful_run_cent_ms_as_recorded,
    check_manual_cents_as_recorded = q.check_manual_cents_as_recorded,
    check_successful_manual_cents_as_recorded = q.check_successful_manual_cents_as_recorded,
    check_creation_cents_as_recorded = q.check_creation_cents_as_recorded,
    check_successful_creation_cents_as_recorded = q.check_successful_creation_cents_as_recorded,
    check_run_cent_ms_as_recorded = q.check_run_cent_ms_as_recorded,
    check_successful_run_cent_ms_as_recorded = q.check_successful_run_cent_ms_as_recorded
FROM (
    SELECT t.date, t.organization_id, t.job_template_id, t.project_id,
    sum(d.manual_cents_as_recorded) OVER running AS manual_cents_as_recorded,
    sum(d.successful_manual_cents_as_recorded) OVER running AS successful_manual_cents_as_recorded,
    sum(d.creation_cents_as_recorded) OVER running AS creation_cents_as_recorded,
    sum(d.successful_creation_cents_as_recorded) OVER running AS successful_creation_cents_as_recorded,
    sum(d.run_cent_ms_as_recorded) OVER running AS run_cent_ms_as_recorded,
    sum(d.successful_run_cent_ms_as_recorded) OVER running AS successful_run_cent_ms_as_recorded,
    sum(d.check_manual_cents_as_recorded) OVER running AS check_manual_cents_as_recorded,
    sum(d.check_successful_manual_cents_as_recorded) OVER running AS check_successful_manual_cents_as_recorded,
    sum(d.check_creation_cents_as_recorded) OVER running AS check_creation_cents_as_recorded,
    sum(d.check_successful_creation_cents_as_recorded) OVER running AS check_successful_creation_cents_as_recorded,
    sum(d.check_run_cent_ms_as_recorded) OVER running AS check_run_cent_ms_as_recorded,
    sum(d.check_successful_run_cent_ms_as_recorded) OVER running AS check_successful_run_cent_ms_as_recorded
    FROM marts.template_to_date t LEFT JOIN daily d USING (date, organization_id, job_template_id, project_id)
    WHERE t.cluster_id = %(cluster_id)s AND t.date >= date_trunc('month', %(valid_from)s::timestamp)::date
    WINDOW running AS (
        PARTITION BY date_trunc('month', t.date::timestamp), t.organization_id, t.job_template_id, t.project_id ORDER BY t.date)
) q
WHERE t.cluster_id = %(cluster_id)s AND t.date = q.date AND t.organization_id = q.organization_id
  AND t.job_template_id = q.job_template_id AND t.project_id = q.project_id
  AND (t.manual_cents_as_recorded, t.successful_manual_cents_as_recorded, t.creation_cents_as_recorded,
    t.successful_creation_cents_as_recorded, t.run_cent_ms_as_recorded, t.successful_run_cent_ms_as_recorded,
    t.check_manual_cents_as_recorded, t.check_successful_manual_cents_as_recorded, t.check_creation_cents_as_recorded,
    t.check_successful_creation_cents_as_recorded, t.check_run_cent_ms_as_recorded,
    t.check_successful_run_cent_ms_as_recorded)
    <> (q.manual_cents_as_recorded, q.successful_manual_cents_as_recorded, q.creation_cents_as_recorded,
    q.successful_creation_cents_as_recorded, q.run_cent_ms_as_recorded, q.successful_run_cent_ms_as_recorded,
    q.check_manual_cents_as_recorded, q.check_successful_manual_cents_as_recorded, q.check_creation_cents_as_recorded,
    q.check_successful_creation_cents_as_recorded, q.check_run_cent_ms_as_recorded,
    q.check_successful_run_cent_ms_as_recorded)

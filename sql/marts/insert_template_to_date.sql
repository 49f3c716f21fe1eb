-- Templates' sums from each month's beginning to its end, for the days from the first that is built on.
-- Index: marts.run_daily_date_idx.
INSERT INTO marts.template_to_date (date, cluster_id, organization_id, job_template_id, project_id,
    runs, successful_runs, provisional_runs, runs_without_hosts, hosts, successful_hosts, check_runs,
    check_successful_runs, check_provisional_runs, check_runs_without_hosts, check_hosts, check_successful_hosts,
    elapsed_ms, successful_elapsed_ms, manual_cents_as_recorded, successful_manual_cents_as_recorded,
    creation_cents_as_recorded, successful_creation_cents_as_recorded, run_cent_ms_as_recorded,
    successful_run_cent_ms_as_recorded, check_elapsed_ms, check_successful_elapsed_ms, check_manual_cents_as_recorded,
    check_successful_manual_cents_as_recorded, check_creation_cents_as_recorded,
    check_successful_creation_cents_as_recorded, check_run_cent_ms_as_recorded,
    check_successful_run_cent_ms_as_recorded)
WITH touched AS (
    SELECT date_trunc('month', date::timestamp)::date AS month, min(date) AS first_built FROM marts_day GROUP BY 1
), daily AS (
    SELECT w.month, d.date, s.organization_id, s.job_template_id, s.project_id,
        sum(d.runs) AS runs,
        COALESCE(sum(d.runs) FILTER (WHERE s.status = 'successful'), 0) AS successful_runs,
        sum(d.provisional_runs) AS provisional_runs,
        sum(d.runs_without_hosts) AS runs_without_hosts,
        sum(d.hosts) AS hosts,
        COALESCE(sum(d.hosts) FILTER (WHERE s.status = 'successful'), 0) AS successful_hosts,
        COALESCE(sum(d.runs) FILTER (WHERE s.job_type = 'check'), 0) AS check_runs,
        COALESCE(sum(d.runs) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_runs,
        COALESCE(sum(d.provisional_runs) FILTER (WHERE s.job_type = 'check'), 0) AS check_provisional_runs,
        COALESCE(sum(d.runs_without_hosts) FILTER (WHERE s.job_type = 'check'), 0) AS check_runs_without_hosts,
        COALESCE(sum(d.hosts) FILTER (WHERE s.job_type = 'check'), 0) AS check_hosts,
        COALESCE(sum(d.hosts) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_hosts,
        sum(d.elapsed_ms) AS elapsed_ms,
        COALESCE(sum(d.elapsed_ms) FILTER (WHERE s.status = 'successful'), 0) AS successful_elapsed_ms,
        sum(d.manual_cents_as_recorded) AS manual_cents_as_recorded,
        COALESCE(sum(d.manual_cents_as_recorded) FILTER (WHERE s.status = 'successful'), 0) AS successful_manual_cents_as_recorded,
        sum(d.creation_cents_as_recorded) AS creation_cents_as_recorded,
        COALESCE(sum(d.creation_cents_as_recorded) FILTER (WHERE s.status = 'successful'), 0) AS successful_creation_cents_as_recorded,
        sum(d.run_cent_ms_as_recorded) AS run_cent_ms_as_recorded,
        COALESCE(sum(d.run_cent_ms_as_recorded) FILTER (WHERE s.status = 'successful'), 0) AS successful_run_cent_ms_as_recorded,
        COALESCE(sum(d.elapsed_ms) FILTER (WHERE s.job_type = 'check'), 0) AS check_elapsed_ms,
        COALESCE(sum(d.elapsed_ms) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_elapsed_ms,
        COALESCE(sum(d.manual_cents_as_recorded) FILTER (WHERE s.job_type = 'check'), 0) AS check_manual_cents_as_recorded,
        COALESCE(sum(d.manual_cents_as_recorded) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_manual_cents_as_recorded,
        COALESCE(sum(d.creation_cents_as_recorded) FILTER (WHERE s.job_type = 'check'), 0) AS check_creation_cents_as_recorded,
        COALESCE(sum(d.creation_cents_as_recorded) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_creation_cents_as_recorded,
        COALESCE(sum(d.run_cent_ms_as_recorded) FILTER (WHERE s.job_type = 'check'), 0) AS check_run_cent_ms_as_recorded,
        COALESCE(sum(d.run_cent_ms_as_recorded) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_run_cent_ms_as_recorded
    FROM touched w
    JOIN marts.run_daily d ON d.date >= w.month AND d.date < w.month + interval '1 month'
    JOIN marts.series s ON s.series_id = d.series_id
    WHERE s.cluster_id = %(cluster_id)s
    GROUP BY w.month, d.date, s.organization_id, s.job_template_id, s.project_id
), day AS (
    SELECT f.month, g::date AS date, f.organization_id, f.job_template_id, f.project_id
    FROM (SELECT month, organization_id, job_template_id, project_id, min(date) AS first FROM daily GROUP BY month, organization_id, job_template_id, project_id) f
    CROSS JOIN LATERAL generate_series(f.first::timestamp, f.month + interval '1 month - 1 day', interval '1 day') g
), summed AS (
    SELECT g.month, g.date, g.organization_id, g.job_template_id, g.project_id,
    sum(d.runs) OVER running AS runs, sum(d.successful_runs) OVER running AS successful_runs,
    sum(d.provisional_runs) OVER running AS provisional_runs,
    sum(d.runs_without_hosts) OVER running AS runs_without_hosts, sum(d.hosts) OVER running AS hosts,
    sum(d.successful_hosts) OVER running AS successful_hosts, sum(d.check_runs) OVER running AS check_runs,
    sum(d.check_successful_runs) OVER running AS check_successful_runs,
    sum(d.check_provisional_runs) OVER running AS check_provisional_runs,
    sum(d.check_runs_without_hosts) OVER running AS check_runs_without_hosts,
    sum(d.check_hosts) OVER running AS check_hosts,
    sum(d.check_successful_hosts) OVER running AS check_successful_hosts,
    sum(d.elapsed_ms) OVER running AS elapsed_ms, sum(d.successful_elapsed_ms) OVER running AS successful_elapsed_ms,
    sum(d.manual_cents_as_recorded) OVER running AS manual_cents_as_recorded,
    sum(d.successful_manual_cents_as_recorded) OVER running AS successful_manual_cents_as_recorded,
    sum(d.creation_cents_as_recorded) OVER running AS creation_cents_as_recorded,
    sum(d.successful_creation_cents_as_recorded) OVER running AS successful_creation_cents_as_recorded,
    sum(d.run_cent_ms_as_recorded) OVER running AS run_cent_ms_as_recorded,
    sum(d.successful_run_cent_ms_as_recorded) OVER running AS successful_run_cent_ms_as_recorded,
    sum(d.check_elapsed_ms) OVER running AS check_elapsed_ms,
    sum(d.check_successful_elapsed_ms) OVER running AS check_successful_elapsed_ms,
    sum(d.check_manual_cents_as_recorded) OVER running AS check_manual_cents_as_recorded,
    sum(d.check_successful_manual_cents_as_recorded) OVER running AS check_successful_manual_cents_as_recorded,
    sum(d.check_creation_cents_as_recorded) OVER running AS check_creation_cents_as_recorded,
    sum(d.check_successful_creation_cents_as_recorded) OVER running AS check_successful_creation_cents_as_recorded,
    sum(d.check_run_cent_ms_as_recorded) OVER running AS check_run_cent_ms_as_recorded,
    sum(d.check_successful_run_cent_ms_as_recorded) OVER running AS check_successful_run_cent_ms_as_recorded
    FROM day g LEFT JOIN daily d USING (month, date, organization_id, job_template_id, project_id)
    WINDOW running AS (PARTITION BY g.month, g.organization_id, g.job_template_id, g.project_id ORDER BY g.date)
)
SELECT t.date, %(cluster_id)s::int, t.organization_id, t.job_template_id, t.project_id,
    t.runs, t.successful_runs, t.provisional_runs, t.runs_without_hosts, t.hosts, t.successful_hosts, t.check_runs,
    t.check_successful_runs, t.check_provisional_runs, t.check_runs_without_hosts, t.check_hosts,
    t.check_successful_hosts, t.elapsed_ms, t.successful_elapsed_ms, t.manual_cents_as_recorded,
    t.successful_manual_cents_as_recorded, t.creation_cents_as_recorded, t.successful_creation_cents_as_recorded,
    t.run_cent_ms_as_recorded, t.successful_run_cent_ms_as_recorded, t.check_elapsed_ms,
    t.check_successful_elapsed_ms, t.check_manual_cents_as_recorded, t.check_successful_manual_cents_as_recorded,
    t.check_creation_cents_as_recorded, t.check_successful_creation_cents_as_recorded,
    t.check_run_cent_ms_as_recorded, t.check_successful_run_cent_ms_as_recorded
FROM summed t JOIN touched w USING (month)
WHERE t.date >= w.first_built
ORDER BY t.date, t.organization_id, t.job_template_id, t.project_id

-- What BI tools list: savings by day and by month in plain columns, with money by the rates in force and as recorded.
-- security_invoker, so that row-level security is the reader's. Views over core run with their owner's rights and carry
-- the reader's restriction themselves.

CREATE VIEW marts.savings_daily WITH (security_invoker = true) AS
    SELECT d.date, p.cluster_id, p.organization_id, p.job_template_id, p.project_id, p.label_set_id, p.job_type, p.status,
        d.runs, d.runs_without_hosts, d.provisional_runs,
        CASE WHEN p.job_template_id = 0 THEN d.runs ELSE 0 END AS runs_without_template,
        d.hosts, d.changed_hosts, d.dark_hosts, d.failures_hosts, d.ok_hosts, d.processed_hosts, d.skipped_hosts,
        d.failed_hosts, d.ignored_hosts, d.rescued_hosts, d.elapsed_ms / 1000.0 AS elapsed_seconds,
        c.manual_minutes, c.creation_minutes, c.manual_minutes * p.person_hour / 60 AS manual_costs,
        c.creation_minutes * p.person_hour / 60 AS creation_costs, c.run_costs,
        c.creation_minutes * p.person_hour / 60 + c.run_costs AS automated_costs,
        (c.manual_minutes - c.creation_minutes) * p.person_hour / 60 - c.run_costs AS savings,
        CASE WHEN p.counts THEN (c.manual_minutes - c.creation_minutes) * 60 - d.elapsed_ms / 1000.0 ELSE 0 END
            AS time_savings_seconds,
        r.manual AS manual_costs_as_recorded, r.creation AS creation_costs_as_recorded, r.run AS run_costs_as_recorded,
        r.creation + r.run AS automated_costs_as_recorded, r.manual - r.creation - r.run AS savings_as_recorded
    FROM marts.recorded_daily d
    JOIN marts.series_price p ON p.series_id = d.series_id
    LEFT JOIN marts.counted_first_run first ON first.series_id = d.series_id AND first.date = d.date
    LEFT JOIN marts.subscription_month m ON m.month = date_trunc('month', d.date::timestamp)::date
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.counts THEN d.hosts * p.manual_minutes::numeric ELSE 0 END AS manual_minutes,
            CASE WHEN NOT p.counts OR NOT p.count_creation THEN 0
                WHEN p.creation_once THEN (first.series_id IS NOT NULL)::int * p.creation_minutes::numeric
                ELSE d.runs * p.creation_minutes::numeric END AS creation_minutes,
            CASE WHEN NOT p.counts THEN 0 WHEN p.subscription THEN COALESCE(d.elapsed_ms * m.price / m.elapsed_ms, 0)
                ELSE d.elapsed_ms * p.automated / 60000 END AS run_costs
    ) c
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.counts THEN d.manual_cents_as_recorded / p.recorded_divisor ELSE 0 END AS manual,
            CASE WHEN NOT p.counts OR NOT p.count_creation THEN 0
                WHEN p.creation_once THEN COALESCE(first.creation_cost_60_as_recorded, 0) / 60
                ELSE d.creation_cents_as_recorded / p.recorded_divisor END AS creation,
            CASE WHEN NOT p.counts THEN 0
                WHEN p.recorded_by_subscription THEN COALESCE(d.elapsed_ms * m.price_as_recorded / m.elapsed_ms, 0)
                ELSE d.run_cent_ms_as_recorded / 6000000.0 END AS run
    ) r;

CREATE VIEW marts.savings_monthly WITH (security_invoker = true) AS
    SELECT d.month, p.cluster_id, p.organization_id, p.job_template_id, p.project_id, p.label_set_id, p.job_type, p.status,
        d.runs, d.runs_without_hosts, d.provisional_runs,
        CASE WHEN p.job_template_id = 0 THEN d.runs ELSE 0 END AS runs_without_template,
        d.hosts, d.changed_hosts, d.dark_hosts, d.failures_hosts, d.ok_hosts, d.processed_hosts, d.skipped_hosts,
        d.failed_hosts, d.ignored_hosts, d.rescued_hosts, d.elapsed_ms / 1000.0 AS elapsed_seconds,
        c.manual_minutes, c.creation_minutes, c.manual_minutes * p.person_hour / 60 AS manual_costs,
        c.creation_minutes * p.person_hour / 60 AS creation_costs, c.run_costs,
        c.creation_minutes * p.person_hour / 60 + c.run_costs AS automated_costs,
        (c.manual_minutes - c.creation_minutes) * p.person_hour / 60 - c.run_costs AS savings,
        CASE WHEN p.counts THEN (c.manual_minutes - c.creation_minutes) * 60 - d.elapsed_ms / 1000.0 ELSE 0 END
            AS time_savings_seconds,
        r.manual AS manual_costs_as_recorded, r.creation AS creation_costs_as_recorded, r.run AS run_costs_as_recorded,
        r.creation + r.run AS automated_costs_as_recorded, r.manual - r.creation - r.run AS savings_as_recorded
    FROM marts.run_monthly d
    JOIN marts.series_price p ON p.series_id = d.series_id
    LEFT JOIN marts.counted_first_run first ON first.series_id = d.series_id
        AND date_trunc('month', first.date::timestamp)::date = d.month
    LEFT JOIN marts.subscription_month m ON m.month = d.month
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.counts THEN d.hosts * p.manual_minutes::numeric ELSE 0 END AS manual_minutes,
            CASE WHEN NOT p.counts OR NOT p.count_creation THEN 0
                WHEN p.creation_once THEN (first.series_id IS NOT NULL)::int * p.creation_minutes::numeric
                ELSE d.runs * p.creation_minutes::numeric END AS creation_minutes,
            CASE WHEN NOT p.counts THEN 0 WHEN p.subscription THEN COALESCE(d.elapsed_ms * m.price / m.elapsed_ms, 0)
                ELSE d.elapsed_ms * p.automated / 60000 END AS run_costs
    ) c
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.counts THEN d.manual_cents_as_recorded / p.recorded_divisor ELSE 0 END AS manual,
            CASE WHEN NOT p.counts OR NOT p.count_creation THEN 0
                WHEN p.creation_once THEN COALESCE(first.creation_cost_60_as_recorded, 0) / 60
                ELSE d.creation_cents_as_recorded / p.recorded_divisor END AS creation,
            CASE WHEN NOT p.counts THEN 0
                WHEN p.recorded_by_subscription THEN COALESCE(d.elapsed_ms * m.price_as_recorded / m.elapsed_ms, 0)
                ELSE d.run_cent_ms_as_recorded / 6000000.0 END AS run
    ) r;

CREATE VIEW marts.template_monthly WITH (security_invoker = true) AS
    SELECT m.month, m.cluster_id, m.job_template_id, t.name AS job_template, sum(m.runs) AS runs,
        COALESCE(sum(m.runs) FILTER (WHERE m.status = 'successful'), 0) AS successful_runs,
        COALESCE(sum(m.runs) FILTER (WHERE m.status = 'failed'), 0) AS failed_runs,
        sum(m.hosts) AS hosts, sum(m.elapsed_seconds) AS elapsed_seconds, sum(m.manual_costs) AS manual_costs,
        sum(m.automated_costs) AS automated_costs, sum(m.savings) AS savings, sum(m.time_savings_seconds) AS time_savings_seconds,
        COALESCE(sum(m.run_costs) FILTER (WHERE m.status = 'failed'), 0) AS failed_run_costs,
        COALESCE(sum(m.run_costs_as_recorded) FILTER (WHERE m.status = 'failed'), 0) AS failed_run_costs_as_recorded,
        sum(m.manual_costs_as_recorded) AS manual_costs_as_recorded,
        sum(m.automated_costs_as_recorded) AS automated_costs_as_recorded, sum(m.savings_as_recorded) AS savings_as_recorded,
        sum(sum(m.savings)) OVER (PARTITION BY m.job_template_id ORDER BY m.month) AS cumulated_savings,
        sum(sum(m.savings_as_recorded)) OVER (PARTITION BY m.job_template_id ORDER BY m.month) AS cumulated_savings_as_recorded
    FROM marts.savings_monthly m JOIN marts.dim_job_template t USING (job_template_id) CROSS JOIN marts.formula f
    WHERE m.job_type <> 'check' OR f.count_check_mode
    GROUP BY m.month, m.cluster_id, m.job_template_id, t.name;

CREATE VIEW marts.organization_monthly WITH (security_invoker = true) AS
    SELECT m.month, m.cluster_id, m.organization_id, o.name AS organization, sum(m.runs) AS runs,
        COALESCE(sum(m.runs) FILTER (WHERE m.status = 'successful'), 0) AS successful_runs,
        COALESCE(sum(m.runs) FILTER (WHERE m.status = 'failed'), 0) AS failed_runs,
        sum(m.hosts) AS hosts, sum(m.elapsed_seconds) AS elapsed_seconds, sum(m.manual_costs) AS manual_costs,
        sum(m.automated_costs) AS automated_costs, sum(m.savings) AS savings, sum(m.time_savings_seconds) AS time_savings_seconds,
        COALESCE(sum(m.run_costs) FILTER (WHERE m.status = 'failed'), 0) AS failed_run_costs,
        COALESCE(sum(m.run_costs_as_recorded) FILTER (WHERE m.status = 'failed'), 0) AS failed_run_costs_as_recorded,
        sum(m.manual_costs_as_recorded) AS manual_costs_as_recorded,
        sum(m.automated_costs_as_recorded) AS automated_costs_as_recorded, sum(m.savings_as_recorded) AS savings_as_recorded,
        sum(sum(m.savings)) OVER (PARTITION BY m.cluster_id, m.organization_id ORDER BY m.month) AS cumulated_savings,
        sum(sum(m.savings_as_recorded)) OVER (PARTITION BY m.cluster_id, m.organization_id ORDER BY m.month) AS cumulated_savings_as_recorded
    FROM marts.savings_monthly m JOIN marts.dim_organization o USING (organization_id) CROSS JOIN marts.formula f
    WHERE m.job_type <> 'check' OR f.count_check_mode
    GROUP BY m.month, m.cluster_id, m.organization_id, o.name;

-- Quantities are added up by organization first, for rates differ between them only: money for each row of a day took
-- most of the time.
CREATE VIEW marts.kpi_daily WITH (security_invoker = true) AS
    SELECT s.date, s.cluster_id, s.runs, s.successful_runs, s.failed_runs, s.runs_without_hosts, s.provisional_runs,
        s.runs_without_template, s.hosts, s.elapsed_ms / 1000 AS elapsed_seconds, s.manual_costs,
        s.creation_costs + s.run_costs AS automated_costs, s.manual_costs - s.creation_costs - s.run_costs AS savings,
        (s.manual_minutes - s.creation_minutes) * 60 - s.counted_ms / 1000 AS time_savings_seconds,
        s.manual_recorded AS manual_costs_as_recorded, s.creation_recorded + s.run_recorded AS automated_costs_as_recorded,
        s.manual_recorded - s.creation_recorded - s.run_recorded AS savings_as_recorded,
        COALESCE(h.unique_hosts, 0) AS unique_hosts
    FROM (
        SELECT q.date, q.cluster_id, sum(q.runs)::bigint AS runs, sum(q.successful_runs)::bigint AS successful_runs,
            sum(q.failed_runs)::bigint AS failed_runs, sum(q.runs_without_hosts)::bigint AS runs_without_hosts,
            sum(q.provisional_runs)::bigint AS provisional_runs, sum(q.runs_without_template)::bigint AS runs_without_template,
            sum(q.hosts)::bigint AS hosts, sum(q.elapsed_ms) AS elapsed_ms, sum(q.counted_ms) AS counted_ms,
            sum(q.manual_minutes) AS manual_minutes, sum(c.creation_minutes) AS creation_minutes,
            sum(m.manual) AS manual_costs, sum(m.creation) AS creation_costs, sum(m.run) AS run_costs,
            sum(m.manual_recorded) AS manual_recorded, sum(m.creation_recorded) AS creation_recorded,
            sum(m.run_recorded) AS run_recorded, f.count_check_mode
        FROM (
            SELECT d.date, p.cluster_id, p.organization_id, sum(d.runs) AS runs,
                COALESCE(sum(d.runs) FILTER (WHERE p.status = 'successful'), 0) AS successful_runs,
                COALESCE(sum(d.runs) FILTER (WHERE p.status = 'failed'), 0) AS failed_runs,
                sum(d.runs_without_hosts) AS runs_without_hosts, sum(d.provisional_runs) AS provisional_runs,
                COALESCE(sum(d.runs) FILTER (WHERE p.job_template_id = 0), 0) AS runs_without_template,
                sum(d.hosts) AS hosts, sum(d.elapsed_ms) AS elapsed_ms,
                COALESCE(sum(d.elapsed_ms) FILTER (WHERE p.counts), 0) AS counted_ms,
                COALESCE(sum(d.hosts::bigint * p.manual_minutes) FILTER (WHERE p.counts), 0) AS manual_minutes,
                COALESCE(sum(d.runs::bigint * p.creation_minutes) FILTER (WHERE p.counts), 0) AS creation_minutes,
                COALESCE(sum(d.manual_cents_as_recorded) FILTER (WHERE p.counts), 0) AS manual_cents,
                COALESCE(sum(d.creation_cents_as_recorded) FILTER (WHERE p.counts), 0) AS creation_cents,
                COALESCE(sum(d.run_cent_ms_as_recorded) FILTER (WHERE p.counts), 0) AS run_cent_ms
            FROM marts.recorded_daily d JOIN marts.series_price p USING (series_id)
            WHERE p.job_type <> 'check' OR (SELECT g.count_check_mode FROM marts.formula g)
            GROUP BY d.date, p.cluster_id, p.organization_id
        ) q
        CROSS JOIN marts.formula f
        JOIN marts.current_rate r ON r.cluster_id = q.cluster_id AND r.organization_id = q.organization_id
        JOIN marts.dim_cluster k ON k.cluster_id = q.cluster_id
        LEFT JOIN marts.subscription_month u ON u.month = date_trunc('month', q.date::timestamp)::date
        LEFT JOIN (
            SELECT x.date, p.cluster_id, p.organization_id, sum(p.creation_minutes) AS creation_minutes,
                sum(x.creation_cost_60_as_recorded) / 60 AS creation_recorded
            FROM marts.counted_first_run x JOIN marts.series_price p USING (series_id)
            WHERE (SELECT g.creation_once FROM marts.formula g)  -- else not found for each row
            GROUP BY x.date, p.cluster_id, p.organization_id
        ) first ON first.date = q.date AND first.cluster_id = q.cluster_id AND first.organization_id = q.organization_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN NOT f.count_creation THEN 0 WHEN f.creation_once THEN COALESCE(first.creation_minutes, 0)
                ELSE q.creation_minutes END AS creation_minutes
        ) c
        CROSS JOIN LATERAL (
            SELECT q.manual_minutes * r.person_hour / 60 AS manual, c.creation_minutes * r.person_hour / 60 AS creation,
                CASE WHEN f.subscription THEN COALESCE(q.counted_ms * u.price / u.elapsed_ms, 0)
                    ELSE q.counted_ms * r.automated / 60000 END AS run,
                q.manual_cents / k.recorded_divisor AS manual_recorded,
                CASE WHEN NOT f.count_creation THEN 0 WHEN f.creation_once THEN COALESCE(first.creation_recorded, 0)
                    ELSE q.creation_cents / k.recorded_divisor END AS creation_recorded,
                CASE WHEN k.recorded_by_subscription THEN COALESCE(q.counted_ms * u.price_as_recorded / u.elapsed_ms, 0)
                    ELSE q.run_cent_ms / 6000000 END AS run_recorded
        ) m
        GROUP BY q.date, q.cluster_id, f.count_check_mode
    ) s
    CROSS JOIN LATERAL (  -- asked for each day, so that a range of days reads no others
        SELECT sum(bit_count(o.hosts))::bigint AS unique_hosts
        FROM (
            SELECT bit_or(d.hosts) AS hosts FROM marts.organization_host_set_daily d
            WHERE d.date = s.date AND d.cluster_id = s.cluster_id AND (NOT d.check_mode OR s.count_check_mode)
            GROUP BY d.chunk
        ) o
    ) h;

CREATE VIEW marts.launches WITH (security_invoker = true) AS
    SELECT l.date, s.cluster_id, s.organization_id, s.job_template_id, s.project_id, s.label_set_id, s.job_type, s.status,
        l.user_id, l.runs, l.hosts, l.elapsed_ms / 1000.0 AS elapsed_seconds
    FROM marts.launches_daily l JOIN marts.series s USING (series_id);

-- One row a successful or failed job, with its money.
CREATE VIEW marts.fct_job_run WITH (security_barrier = true) AS
    SELECT j.id AS job_id, j.cluster_id, j.external_id, j.name, j.job_type, j.launch_type, j.status, j.started, j.finished,
        d.date, COALESCE(j.organization_id, 0) AS organization_id,
        COALESCE(j.job_template_id, 0) AS job_template_id, COALESCE(j.project_id, 0) AS project_id,
        COALESCE(j.launched_by_id, 0) AS user_id, j.elapsed AS elapsed_seconds, COALESCE(j.num_hosts, 0) AS hosts, j.provisional,
        c.counts AS counted, m.manual_costs, m.creation_costs, m.run_costs, m.creation_costs + m.run_costs AS automated_costs,
        m.manual_costs - m.creation_costs - m.run_costs AS savings,
        o.manual AS manual_costs_as_recorded, o.creation AS creation_costs_as_recorded, o.run AS run_costs_as_recorded,
        o.creation + o.run AS automated_costs_as_recorded, o.manual - o.creation - o.run AS savings_as_recorded
    FROM archive.all_jobs j
    CROSS JOIN marts.formula f
    CROSS JOIN LATERAL (SELECT (j.finished AT TIME ZONE f.reporting_timezone)::date AS date) d
    JOIN marts.current_rate r ON r.cluster_id = j.cluster_id AND r.organization_id = COALESCE(j.organization_id, 0)
    JOIN marts.rate_period rr ON rr.cluster_id = j.cluster_id AND rr.organization_id = COALESCE(j.organization_id, 0)
        AND rr.valid_from <= d.date AND rr.valid_to > d.date
    LEFT JOIN marts.template_minutes t ON t.job_template_id = j.job_template_id AND t.valid_to = '9999-12-31'
    LEFT JOIN marts.template_minutes tr ON tr.job_template_id = j.job_template_id
        AND tr.valid_from <= d.date AND tr.valid_to > d.date
    LEFT JOIN marts.counted_first_run first ON first.job_template_id = j.job_template_id AND first.job_id = j.id
    LEFT JOIN marts.subscription_month s ON s.month = date_trunc('month', d.date::timestamp)::date
    LEFT JOIN marts.dim_cluster k ON k.cluster_id = j.cluster_id
    CROSS JOIN LATERAL (
        SELECT t.job_template_id IS NOT NULL AND j.num_hosts > 0 AND (j.job_type <> 'check' OR f.count_check_mode)
            AND (j.status = 'successful' OR NOT f.successful_only) AS counts,
            -- A cluster that was never refreshed has no model of its own yet.
            COALESCE(k.recorded_by_subscription, f.subscription) AS recorded_by_subscription
    ) c
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.counts THEN j.num_hosts * t.manual_minutes * r.person_hour / 60 ELSE 0 END AS manual_costs,
            CASE WHEN NOT c.counts OR NOT f.count_creation THEN 0
                WHEN f.creation_once AND first.job_id IS NULL THEN 0
                ELSE t.creation_minutes * r.person_hour / 60 END AS creation_costs,
            CASE WHEN NOT c.counts THEN 0 WHEN f.subscription THEN COALESCE(j.elapsed * 1000 * s.price / s.elapsed_ms, 0)
                ELSE j.elapsed * r.automated / 60 END AS run_costs
    ) m
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.counts THEN j.num_hosts * tr.manual_minutes * p.person_hour / 60 ELSE 0 END AS manual,
            CASE WHEN NOT c.counts OR NOT f.count_creation THEN 0
                WHEN f.creation_once AND first.job_id IS NULL THEN 0 ELSE tr.creation_minutes * p.person_hour / 60 END AS creation,
            CASE WHEN NOT c.counts THEN 0
                WHEN c.recorded_by_subscription THEN COALESCE(j.elapsed * 1000 * s.price_as_recorded / s.elapsed_ms, 0)
                ELSE j.elapsed * rr.automated / 60 END AS run
        FROM (SELECT CASE WHEN c.recorded_by_subscription THEN rr.hourly ELSE rr.manual * 60 END::numeric(30,12) AS person_hour) p
    ) o
    WHERE j.status IN ('successful', 'failed') AND j.finished IS NOT NULL
      AND ((SELECT marts.sees_all()) OR COALESCE(j.organization_id, 0) = ANY ((SELECT marts.visible_organizations())::int[]));

-- How fresh each cluster's figures are. A restricted reader sees the clusters of its organizations; what cannot be told
-- apart by organization is shown to those who see everything.
CREATE VIEW marts.freshness WITH (security_barrier = true) AS
    SELECT c.id AS cluster_id, c.name AS cluster, c.enabled, r.finished_at AS last_sync, r.outcome AS last_outcome,
        s.last_job_finished_date AS newest_job, extract(epoch FROM now() - s.last_job_finished_date)::bigint AS newest_job_age_seconds,
        r.lag_seconds,
        CASE WHEN a.sees_all THEN (SELECT count(*) FROM pipeline.pending_summaries p WHERE p.cluster_id = c.id AND NOT p.given_up) END AS provisional,
        CASE WHEN a.sees_all THEN (SELECT count(*) FROM pipeline.rejected_record q WHERE q.cluster_id = c.id) END AS quarantined,
        CASE WHEN a.sees_all THEN (SELECT count(DISTINCT d.day) FROM pipeline.changed_day d WHERE d.cluster_id = c.id) END
            AS days_to_refresh
    FROM public.clusters_cluster c
    CROSS JOIN (SELECT marts.sees_all() AS sees_all, marts.visible_organizations() AS organizations OFFSET 0) a
    LEFT JOIN public.clusters_clustersyncstatus s ON s.cluster_id = c.id
    LEFT JOIN LATERAL (
        SELECT * FROM pipeline.sync_run x WHERE x.cluster_id = c.id AND x.finished_at IS NOT NULL ORDER BY x.id DESC LIMIT 1
    ) r ON TRUE
    WHERE a.sees_all OR EXISTS (
        SELECT FROM public.clusters_organization o WHERE o.cluster_id = c.id AND o.id = ANY (a.organizations));

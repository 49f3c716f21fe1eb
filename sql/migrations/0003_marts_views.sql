-- Views over the facts. security_invoker, so that row-level security is the reader's; views over core run with their owner's rights and
-- carry the reader's restriction themselves.

-- Sums of savings_monthly by template and by organization, one row for each month from a key's first to the newest of all, so that
-- cumulative columns have no gaps; of savings_daily by cluster, with hosts counted for each day, so that a range of days reads no others.
DO $do$
DECLARE
    dimension TEXT;
    sums CONSTANT TEXT := $$COALESCE(sum(m.runs), 0) AS runs, COALESCE(sum(m.runs) FILTER (WHERE m.status = 'successful'), 0) AS successful_runs,
        COALESCE(sum(m.runs) FILTER (WHERE m.status = 'failed'), 0) AS failed_runs, COALESCE(sum(m.runs_without_hosts), 0) AS runs_without_hosts,
        COALESCE(sum(m.provisional_runs), 0) AS provisional_runs, COALESCE(sum(m.runs_without_template), 0) AS runs_without_template,
        COALESCE(sum(m.hosts), 0) AS hosts, COALESCE(sum(m.elapsed_seconds), 0)::numeric(24,3) AS elapsed_seconds, $$
        || rollup.columns('rollup.money', 'COALESCE(sum(m.%1$I), 0)::%2$s AS %1$I');
BEGIN
    FOREACH dimension IN ARRAY ARRAY['job_template', 'organization'] LOOP
        EXECUTE format('CREATE VIEW marts.%3$s_monthly WITH (security_invoker = true) AS
            SELECT c.date AS month, k.cluster_id, k.%1$s_id, t.%1$s, %2$s,
                (sum(sum(m.savings)) OVER so_far)::numeric(38,11) AS cumulated_savings,
                (sum(sum(m.savings_as_recorded)) OVER so_far)::numeric(38,11) AS cumulated_savings_as_recorded
            FROM (SELECT cluster_id, %1$s_id, min(month) AS first FROM marts.savings_monthly GROUP BY 1, 2) k
            JOIN marts.dim_date c ON c.day = 1 AND c.date BETWEEN k.first AND (SELECT max(x.month) FROM marts.savings_monthly x)
            JOIN marts.dim_%1$s t ON t.%1$s_id = k.%1$s_id
            LEFT JOIN marts.savings_monthly m ON (m.month, m.cluster_id, m.%1$s_id) = (c.date, k.cluster_id, k.%1$s_id)
            GROUP BY c.date, k.cluster_id, k.%1$s_id, t.%1$s
            WINDOW so_far AS (PARTITION BY k.cluster_id, k.%1$s_id ORDER BY c.date)',
            dimension, sums, replace(dimension, 'job_', ''));
    END LOOP;
    EXECUTE format('CREATE VIEW marts.kpi_daily WITH (security_invoker = true) AS
        SELECT m.date, m.cluster_id, %1$s, %2$s AS unique_hosts_of_day, %2$s AS unique_hosts
        FROM marts.savings_daily m GROUP BY m.date, m.cluster_id', sums,
        '(SELECT COALESCE(sum(bit_count(o.hosts)), 0)::bigint FROM (SELECT bit_or(x.hosts) AS hosts FROM rollup.host_set_daily x
            WHERE x.date = m.date AND x.cluster_id = m.cluster_id AND x.job_template_id IS NULL GROUP BY x.chunk) o)');
END $do$;

-- Hosts with the runs that the reader sees of them.
CREATE VIEW marts.dim_host WITH (security_invoker = true) AS
    SELECT h.host_id, h.cluster_id, h.name, h.name AS host, r.first_automated, r.last_automated, COALESCE(r.runs, 0) AS runs
    FROM rollup.host h
    LEFT JOIN (
        SELECT host_id, min(first_date) AS first_automated, max(last_date) AS last_automated, sum(runs) AS runs
        FROM rollup.host_runs_monthly GROUP BY host_id
    ) r USING (host_id);

CREATE VIEW marts.host_monthly WITH (security_invoker = true) AS
    SELECT s.month, h.host_id, s.cluster_id, s.organization_id, s.job_template_id, s.project_id, s.label_set_id, s.inventory_id,
        s.launch_type
    FROM rollup.host_set_monthly s
    JOIN rollup.host h ON h.cluster_id = s.cluster_id AND h.ordinal / 1024 = s.chunk AND get_bit(s.hosts, h.ordinal % 1024) = 1
    WHERE s.job_template_id IS NOT NULL;

CREATE VIEW marts.fct_job_run WITH (security_barrier = true) AS
    SELECT j.job_id, j.cluster_id, j.external_id, j.name, j.job_type, j.launch_type, j.status, j.finished, j.started,
        j.finished AT TIME ZONE f.reporting_timezone AS finished_local, j.date,
        j.organization_id, j.job_template_id, j.project_id, j.inventory_id,
        COALESCE((SELECT s.label_set_id FROM marts.dim_label_set s WHERE s.cluster_id = j.cluster_id
            AND md5(s.label_key) = md5(j.label_key)), 0) AS label_set_id,
        j.user_id, j.elapsed_seconds, j.hosts, c.runs, j.job_slice_number, j.job_slice_count, j.provisional, j.left_out,
        c.hosts > 0 AND j.job_template_id <> 0 AND (j.status = 'successful' OR NOT f.successful_only) AS counted,
        m.manual_costs, m.creation_costs, m.run_costs, m.automated_costs, m.savings, m.manual_costs_as_recorded, m.creation_costs_as_recorded,
        m.run_costs_as_recorded, m.automated_costs_as_recorded, m.savings_as_recorded,
        rollup.web_address(k, '/#/jobs/playbook/', '/execution/jobs/playbook/') || j.external_id || '/output' AS url
    FROM rollup.job j
    JOIN public.clusters_cluster k ON k.id = j.cluster_id
    CROSS JOIN marts.formula f
    LEFT JOIN rollup.counted_first_run x ON x.job_id = j.job_id
    CROSS JOIN LATERAL (SELECT (j.is_run AND NOT j.left_out)::int AS runs, CASE WHEN j.left_out THEN 0 ELSE j.hosts END AS hosts) c
    LEFT JOIN rollup.price p ON p.cluster_id = j.cluster_id AND p.organization_id = j.organization_id AND j.date >= p.valid_from
        AND j.date < p.valid_to
    LEFT JOIN rollup.minutes t ON t.job_template_id = j.job_template_id AND j.date >= t.valid_from AND j.date < t.valid_to
    LEFT JOIN rollup.counted_month s ON s.month = date_trunc('month', j.date::timestamp)::date
    CROSS JOIN LATERAL rollup.money(f, p, t, s, j.status, c.hosts, c.runs, (x.job_id IS NOT NULL)::int, j.elapsed_seconds) m
    WHERE (SELECT marts.sees_all()) OR j.organization_id = ANY ((SELECT marts.visible_organizations())::int[]);

-- The day on which a template's cumulative savings, creation paid once at the start, came to be above zero and stayed so. A template
-- that runs for organizations of different rates was created at the highest of them; as recorded, at the rate and minutes of its
-- first run (of today where the reader does not see that run). Less than a ten-millionth is rounding.
CREATE VIEW marts.payback WITH (security_invoker = true) AS
    WITH gain AS (
        SELECT d.job_template_id, d.date, sum(d.manual_costs - d.run_costs) AS now,
            sum(d.manual_costs_as_recorded - d.run_costs_as_recorded) AS recorded
        FROM marts.savings_daily d
        WHERE d.job_template_id <> 0 AND d.hosts > 0
            AND (d.status = 'successful' OR NOT (SELECT f.successful_only FROM marts.formula f))
        GROUP BY d.job_template_id, d.date
    ), creation AS (
        SELECT s.job_template_id, max(c.creation_costs) AS now, COALESCE(max(r.creation_costs), max(c.creation_costs)) AS recorded
        FROM (
            SELECT DISTINCT m.cluster_id, m.organization_id, m.job_template_id FROM marts.savings_monthly m
            WHERE m.hosts > 0 AND (m.status = 'successful' OR NOT (SELECT f.successful_only FROM marts.formula f))
        ) s
        CROSS JOIN marts.formula f
        LEFT JOIN rollup.first_run x ON (x.job_template_id, x.cluster_id, x.organization_id, x.count_check_mode, x.successful_only,
                x.slices_once)
            = (s.job_template_id, s.cluster_id, s.organization_id, f.count_check_mode, f.successful_only, f.slices_once)
        CROSS JOIN LATERAL (SELECT COALESCE(x.date, DATE '9999-12-30') AS date) d
        JOIN rollup.minutes t ON t.job_template_id = s.job_template_id AND t.valid_from <= d.date AND t.valid_to > d.date
        LEFT JOIN rollup.price p ON p.cluster_id = s.cluster_id AND p.organization_id = s.organization_id
            AND p.valid_from <= d.date AND p.valid_to > d.date
        CROSS JOIN LATERAL rollup.costs(TRUE, TRUE, TRUE, 0, 0, 1, 0, 0, t.creation_minutes, p.person_minute, 0) c
        LEFT JOIN LATERAL rollup.costs(TRUE, TRUE, TRUE, 0, 0, 1, 0, 0, t.creation_minutes_as_recorded, p.person_minute_as_recorded, 0) r
            ON x.job_id IS NOT NULL
        GROUP BY s.job_template_id
    ), running AS (
        SELECT g.job_template_id, g.date, COALESCE(lead(g.date) OVER days, 'infinity') AS next_date,
            sum(g.now) OVER days - c.now AS now, sum(g.recorded) OVER days - c.recorded AS recorded
        FROM gain g JOIN creation c USING (job_template_id)
        WINDOW days AS (PARTITION BY g.job_template_id ORDER BY g.date)
    )
    SELECT r.job_template_id, t.job_template, min(r.date) AS first_run_date, c.now::numeric(38,11) AS creation_costs,
        NULLIF(COALESCE(max(r.next_date) FILTER (WHERE r.now < 0.0000001), min(r.date)), 'infinity') AS payback_date,
        (max(r.now) FILTER (WHERE r.next_date = 'infinity'))::numeric(38,11) AS cumulated_savings,
        c.recorded::numeric(38,11) AS creation_costs_as_recorded,
        NULLIF(COALESCE(max(r.next_date) FILTER (WHERE r.recorded < 0.0000001), min(r.date)), 'infinity') AS payback_date_as_recorded,
        (max(r.recorded) FILTER (WHERE r.next_date = 'infinity'))::numeric(38,11) AS cumulated_savings_as_recorded
    FROM running r JOIN creation c USING (job_template_id) JOIN marts.dim_job_template t USING (job_template_id)
    GROUP BY r.job_template_id, t.job_template, c.now, c.recorded;

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
        SELECT x.finished_at, x.outcome, x.lag_seconds FROM pipeline.sync_run x
        WHERE x.cluster_id = c.id AND x.finished_at IS NOT NULL ORDER BY x.id DESC LIMIT 1
    ) r ON TRUE
    WHERE a.sees_all OR EXISTS (
        SELECT FROM public.clusters_organization o WHERE o.cluster_id = c.id AND o.id = ANY (a.organizations));

-- The questions of a dashboard as functions. All take inclusive dates in the reporting time zone and the same trailing
-- filters; NULL filters nothing, an array keeps the rows whose id it holds, `labels` those with any of its labels.
-- Ranges are differences of the tables to date where there is one; else whole months are read from the monthly rollups, whole
-- pentads next to them, days only at the edges of a range.
-- Functions that people call are plpgsql, which keeps their plans for the session, and plan once for all arguments:
-- planning took longer than answering. Facts are read by date and hashed, which is fast for any filter; nested loops and
-- sorts, which a plan that knows no filter takes for those of a few rows, are not, and workers start too late.

CREATE FUNCTION marts.savings_by_template(
    from_date DATE, to_date DATE,
    clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, currency TEXT = NULL
) RETURNS TABLE (
    name VARCHAR, job_template_id INTEGER, runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, elapsed NUMERIC,
    num_hosts BIGINT, manual_costs NUMERIC, automated_costs NUMERIC, savings NUMERIC,
    cluster_id INTEGER, organization_id INTEGER, provisional_runs BIGINT, creation_costs NUMERIC, run_costs NUMERIC,
    failed_run_costs NUMERIC, time_savings_seconds NUMERIC, roi NUMERIC,
    manual_costs_as_recorded NUMERIC, automated_costs_as_recorded NUMERIC, savings_as_recorded NUMERIC,
    creation_costs_as_recorded NUMERIC, run_costs_as_recorded NUMERIC, failed_run_costs_as_recorded NUMERIC
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    factor NUMERIC := marts.conversion(currency, to_date);
BEGIN
    RETURN QUERY
    SELECT t.name, g.job_template_id, g.runs, g.successful_runs, g.runs - g.successful_runs, g.elapsed_ms / 1000,
        g.hosts, g.manual, g.creation + g.run, g.manual - g.creation - g.run,
        t.cluster_id, t.organization_id, g.provisional_runs, g.creation, g.run, g.failed_run,
        g.saved_seconds, (g.manual - g.creation - g.run) / NULLIF(g.creation + g.run, 0),
        g.manual_r, g.creation_r + g.run_r, g.manual_r - g.creation_r - g.run_r, g.creation_r, g.run_r, g.failed_run_r
    FROM (
        SELECT m.job_template_id, sum(m.runs)::bigint AS runs,
            COALESCE(sum(m.successful_runs), 0)::bigint AS successful_runs,
            sum(m.provisional_runs)::bigint AS provisional_runs, sum(m.elapsed_ms) AS elapsed_ms, sum(m.hosts)::bigint AS hosts,
            sum(m.manual_cost_60) * factor / 60 AS manual, sum(m.creation_cost_60) * factor / 60 AS creation,
            sum(m.run_cost_60000) * factor / 60000 AS run,
            COALESCE(sum(m.failed_run_cost_60000), 0) * factor / 60000 AS failed_run,
            (sum(m.manual_minutes) - sum(m.creation_minutes)) * 60 - sum(m.counted_ms) / 1000 AS saved_seconds,
            sum(m.manual_cost_6000_as_recorded) * factor / 6000 AS manual_r, sum(m.creation_cost_6000_as_recorded) * factor / 6000 AS creation_r,
            sum(m.run_cost_6000000_as_recorded) * factor / 6000000 AS run_r,
            COALESCE(sum(m.failed_run_cost_6000000_as_recorded), 0) * factor / 6000000 AS failed_run_r
        FROM marts.template_money(from_date, to_date, clusters, organizations, job_templates, projects, labels) m
        WHERE m.job_template_id <> 0
        GROUP BY m.job_template_id
        HAVING sum(m.runs) > 0
    ) g
    JOIN marts.dim_job_template t ON t.job_template_id = g.job_template_id
    ORDER BY 10 DESC, 2;
END $$;

CREATE FUNCTION marts.unique_hosts(
    from_date DATE, to_date DATE,
    clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL
) RETURNS BIGINT LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    span RECORD;
    found BIGINT;
BEGIN
    span := marts.split(from_date, to_date);
    IF job_templates IS NULL AND projects IS NULL AND labels IS NULL THEN
        SELECT sum(bit_count(o.hosts)) INTO found
        FROM (
            SELECT bit_or(u.hosts) AS hosts
            FROM (
                SELECT d.* FROM marts.organization_host_set_monthly d WHERE d.month >= span.m1 AND d.month < span.m2
                UNION ALL
                SELECT d.* FROM marts.organization_host_set_daily d WHERE d.date >= from_date AND d.date < span.m1
                UNION ALL
                SELECT d.* FROM marts.organization_host_set_daily d WHERE d.date >= span.m2 AND d.date <= to_date
            ) u
            WHERE (clusters IS NULL OR u.cluster_id = ANY (clusters))
              AND (organizations IS NULL OR u.organization_id = ANY (organizations))
              AND (NOT u.check_mode OR (SELECT f.count_check_mode FROM marts.formula f))
            GROUP BY u.cluster_id, u.chunk
        ) o;
    ELSE
        SELECT sum(bit_count(o.hosts)) INTO found
        FROM (
            SELECT bit_or(u.hosts) AS hosts
            FROM marts.matching_workloads(clusters, organizations, job_templates, projects, labels) w
            JOIN (
                SELECT d.* FROM marts.host_set_monthly d WHERE d.month >= span.m1 AND d.month < span.m2
                UNION ALL
                SELECT d.* FROM marts.host_set_pentad d WHERE d.pentad >= span.p1 AND d.pentad < span.m1
                UNION ALL
                SELECT d.* FROM marts.host_set_pentad d WHERE d.pentad >= span.m2 AND d.pentad < span.p2
                UNION ALL
                SELECT d.* FROM marts.host_set_daily d WHERE d.date >= from_date AND d.date < span.p1
                UNION ALL
                SELECT d.* FROM marts.host_set_daily d WHERE d.date >= span.p2 AND d.date <= to_date
            ) u ON u.workload_id = w.workload_id
            WHERE NOT u.check_mode OR (SELECT f.count_check_mode FROM marts.formula f)
            GROUP BY w.cluster_id, u.chunk
        ) o;
    END IF;
    RETURN COALESCE(found, 0);
END $$;

CREATE FUNCTION marts.totals(
    from_date DATE, to_date DATE,
    clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, currency TEXT = NULL
) RETURNS TABLE (
    runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, hosts BIGINT, unique_hosts BIGINT, elapsed NUMERIC,
    elapsed_hours NUMERIC, manual_costs NUMERIC, automated_costs NUMERIC, savings NUMERIC, time_savings_seconds NUMERIC,
    time_savings_hours NUMERIC, roi NUMERIC, runs_without_template BIGINT, provisional_runs BIGINT, job_templates_run BIGINT,
    creation_costs NUMERIC, run_costs NUMERIC, failed_run_costs NUMERIC, fte NUMERIC,
    manual_costs_as_recorded NUMERIC, automated_costs_as_recorded NUMERIC, savings_as_recorded NUMERIC,
    currency_code VARCHAR,
    creation_costs_as_recorded NUMERIC, run_costs_as_recorded NUMERIC, failed_run_costs_as_recorded NUMERIC
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    factor NUMERIC := marts.conversion(currency, to_date);
BEGIN
    RETURN QUERY
    SELECT g.runs, g.successful_runs, g.runs - g.successful_runs, g.hosts,
        marts.unique_hosts(from_date, to_date, clusters, organizations, job_templates, projects, labels),
        g.elapsed_ms / 1000, g.elapsed_ms / 3600000, g.manual, g.creation + g.run, g.manual - g.creation - g.run,
        g.saved_seconds, g.saved_seconds / 3600, (g.manual - g.creation - g.run) / NULLIF(g.creation + g.run, 0),
        g.without_template, g.provisional_runs, g.templates, g.creation, g.run, g.failed_run,
        g.saved_seconds / 3600 / f.hours_per_fte,
        g.manual_r, g.creation_r + g.run_r, g.manual_r - g.creation_r - g.run_r,
        COALESCE(upper(totals.currency), f.currency)::varchar, g.creation_r, g.run_r, g.failed_run_r
    FROM (
        SELECT COALESCE(sum(m.runs), 0)::bigint AS runs,
            COALESCE(sum(m.successful_runs), 0)::bigint AS successful_runs,
            COALESCE(sum(m.runs) FILTER (WHERE m.job_template_id = 0), 0)::bigint AS without_template,
            count(DISTINCT m.job_template_id) FILTER (WHERE m.job_template_id <> 0 AND m.runs > 0) AS templates,
            COALESCE(sum(m.provisional_runs), 0)::bigint AS provisional_runs,
            COALESCE(sum(m.elapsed_ms), 0) AS elapsed_ms, COALESCE(sum(m.hosts), 0)::bigint AS hosts,
            COALESCE(sum(m.manual_cost_60), 0) * factor / 60 AS manual,
            COALESCE(sum(m.creation_cost_60), 0) * factor / 60 AS creation,
            COALESCE(sum(m.run_cost_60000), 0) * factor / 60000 AS run,
            COALESCE(sum(m.failed_run_cost_60000), 0) * factor / 60000 AS failed_run,
            COALESCE((sum(m.manual_minutes) - sum(m.creation_minutes)) * 60 - sum(m.counted_ms) / 1000, 0) AS saved_seconds,
            COALESCE(sum(m.manual_cost_6000_as_recorded), 0) * factor / 6000 AS manual_r,
            COALESCE(sum(m.creation_cost_6000_as_recorded), 0) * factor / 6000 AS creation_r,
            COALESCE(sum(m.run_cost_6000000_as_recorded), 0) * factor / 6000000 AS run_r,
            COALESCE(sum(m.failed_run_cost_6000000_as_recorded), 0) * factor / 6000000 AS failed_run_r
        FROM marts.template_money(from_date, to_date, clusters, organizations, job_templates, projects, labels) m
    ) g CROSS JOIN marts.formula f;
END $$;

CREATE FUNCTION marts.job_counts(
    from_date DATE, to_date DATE, granularity TEXT = 'day',
    clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL
) RETURNS TABLE (date_bucket TIMESTAMPTZ, job_count BIGINT, host_count BIGINT, bucket_date DATE)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    zone TEXT;
    without_check INTEGER;
    dates DATE[];
    signs INTEGER[];
    starts DATE[];
BEGIN
    IF NOT (isfinite(from_date) AND isfinite(to_date)) THEN
        RAISE EXCEPTION 'A chart from % to % has no end: give two days.', from_date, to_date
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT f.reporting_timezone, (NOT f.count_check_mode)::int INTO zone, without_check FROM marts.formula f;
    IF granularity = 'hour' THEN
        -- Hours are not kept in the marts: they are read from core, through the view that knows who may see what.
        RETURN QUERY
        WITH bucket AS (
            SELECT DISTINCT date_trunc('hour', h, zone) AS at
            FROM generate_series(marts.day_start(from_date, zone),
                marts.day_start(to_date + 1, zone) - interval '1 microsecond', interval '30 minutes') AS h
        ), job AS (
            SELECT date_trunc('hour', j.finished, zone) AS at, count(*) AS jobs, sum(j.num_hosts) AS hosts
            FROM marts.counted_job j
            WHERE j.finished >= marts.day_start(from_date, zone) AND j.finished < marts.day_start(to_date + 1, zone)
              AND (clusters IS NULL OR j.cluster_id = ANY (clusters))
              AND (organizations IS NULL OR j.organization_id = ANY (organizations))
              AND (job_templates IS NULL OR j.job_template_id = ANY (job_templates))
              AND (projects IS NULL OR j.project_id = ANY (projects))
              AND (labels IS NULL OR j.job_id IN (SELECT l.job_id FROM marts.counted_job_label l WHERE l.label_id = ANY (labels)))
            GROUP BY 1
        )
        SELECT b.at, COALESCE(j.jobs, 0), COALESCE(j.hosts, 0)::bigint, (b.at AT TIME ZONE zone)::date
        FROM bucket b LEFT JOIN job j ON j.at = b.at ORDER BY b.at;
    ELSIF granularity NOT IN ('day', 'week', 'month', 'quarter', 'year') THEN
        RAISE EXCEPTION 'Granularity cannot be "%": it must be one of hour, day, week, month, quarter, year.', granularity
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF job_templates IS NULL AND projects IS NULL AND labels IS NULL THEN
        RETURN QUERY
        SELECT marts.day_start(b.at::date, zone), COALESCE(c.jobs, 0)::bigint, COALESCE(c.hosts, 0)::bigint, b.at::date
        FROM generate_series(date_trunc(granularity, from_date::timestamp), to_date::timestamp,
            CASE granularity WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || granularity)::interval END) AS b(at)
        LEFT JOIN (
            SELECT date_trunc(granularity, g.date::timestamp) AS at, sum(g.jobs) AS jobs, sum(g.hosts) AS hosts
            FROM (
                SELECT a.date, sum(a.jobs) AS jobs, sum(a.hosts) AS hosts
                FROM marts.activity_daily a
                WHERE a.date BETWEEN from_date AND to_date
                  AND (clusters IS NULL OR a.cluster_id = ANY (clusters))
                  AND (organizations IS NULL OR a.organization_id = ANY (organizations))
                  AND (NOT a.check_mode OR (SELECT f.count_check_mode FROM marts.formula f))
                GROUP BY a.date
            ) g GROUP BY 1
        ) c ON c.at = b.at
        ORDER BY b.at;
    ELSE
        SELECT array_agg(t.date ORDER BY t.date, t.starts), array_agg(t.sign ORDER BY t.date, t.starts),
            array_agg(t.starts ORDER BY t.date, t.starts) INTO dates, signs, starts
        FROM marts.to_date_terms(from_date, to_date, granularity IN ('day', 'week')) t;
        RETURN QUERY
        SELECT marts.day_start(b.at::date, zone), COALESCE(c.jobs, 0)::bigint, COALESCE(c.hosts, 0)::bigint, b.at::date
        FROM generate_series(date_trunc(granularity, from_date::timestamp), to_date::timestamp,
            CASE granularity WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || granularity)::interval END) AS b(at)
        LEFT JOIN (
            SELECT date_trunc(granularity, p.starts::timestamp) AS at, sum(p.sign * g.jobs) AS jobs, sum(p.sign * g.hosts) AS hosts
            FROM (
                SELECT d.date, sum(d.runs + d.runs_without_hosts - without_check * (d.check_runs + d.check_runs_without_hosts))
                    AS jobs, sum(d.hosts - without_check * d.check_hosts) AS hosts
                FROM marts.workload_to_date d
                JOIN marts.matching_workloads(clusters, organizations, job_templates, projects, labels) w ON w.workload_id = d.workload_id
                WHERE d.date = ANY (dates)
                GROUP BY d.date
            ) g JOIN unnest(dates, signs, starts) AS p (date, sign, starts) ON p.date = g.date
            GROUP BY 1
        ) c ON c.at = b.at
        ORDER BY b.at;
    END IF;
END $$;

CREATE FUNCTION marts.top_users(
    from_date DATE, to_date DATE, n INTEGER = 5,
    clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL
) RETURNS TABLE (
    name VARCHAR, user_id INTEGER, type VARCHAR, runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, hosts BIGINT,
    elapsed NUMERIC, cluster_id INTEGER
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    span RECORD;
    dates DATE[];
    signs INTEGER[];
    without_check INTEGER;
BEGIN
    SELECT (NOT f.count_check_mode)::int INTO without_check FROM marts.formula f;
    IF job_templates IS NULL AND projects IS NULL AND labels IS NULL THEN
        SELECT array_agg(t.date ORDER BY t.date), array_agg(t.sign ORDER BY t.date) INTO dates, signs
        FROM marts.to_date_terms(from_date, to_date) t;
        RETURN QUERY
        SELECT d.name, d.user_id, d.type, g.runs, g.successful, g.runs - g.successful, g.hosts, g.elapsed_ms / 1000, d.cluster_id
        FROM (
            SELECT l.user_id, sum(p.sign * (l.runs - without_check * l.check_runs)) AS runs,
                sum(p.sign * (l.successful_runs - without_check * l.check_successful_runs)) AS successful,
                sum(p.sign * (l.hosts - without_check * l.check_hosts)) AS hosts,
                sum(p.sign * (l.elapsed_ms - without_check * l.check_elapsed_ms)) AS elapsed_ms
            FROM marts.launcher_to_date l
            JOIN unnest(dates, signs) AS p (date, sign) ON p.date = l.date
            WHERE l.date = ANY (dates)
              AND (clusters IS NULL OR l.cluster_id = ANY (clusters))
              AND (organizations IS NULL OR l.organization_id = ANY (organizations))
            GROUP BY l.user_id
        ) g JOIN marts.dim_user d ON d.user_id = g.user_id
        WHERE g.user_id <> 0 AND g.runs > 0
        ORDER BY g.runs DESC, d.user_id LIMIT n;
    ELSE
        span := marts.split(from_date, to_date);
        RETURN QUERY
        SELECT d.name, d.user_id, d.type, g.runs, g.successful, g.runs - g.successful, g.hosts, g.elapsed_ms / 1000, d.cluster_id
        FROM (
            SELECT u.user_id, sum(u.runs) AS runs, sum(u.successful_runs) AS successful, sum(u.hosts) AS hosts,
                sum(u.elapsed_ms) AS elapsed_ms
            FROM marts.matching_workloads(clusters, organizations, job_templates, projects, labels) w
            JOIN (
                SELECT l.* FROM marts.launches_monthly l WHERE l.month >= span.m1 AND l.month < span.m2
                UNION ALL
                SELECT l.* FROM marts.launches_pentad l WHERE l.pentad >= span.p1 AND l.pentad < span.m1
                UNION ALL
                SELECT l.* FROM marts.launches_pentad l WHERE l.pentad >= span.m2 AND l.pentad < span.p2
                UNION ALL
                SELECT l.date, s.cluster_id, s.workload_id, l.user_id, l.runs, CASE WHEN s.status = 'successful' THEN l.runs ELSE 0 END,
                    l.hosts, s.job_type = 'check', l.elapsed_ms
                FROM marts.launches_daily l JOIN marts.series s ON s.series_id = l.series_id
                WHERE (l.date >= from_date AND l.date < span.p1) OR (l.date >= span.p2 AND l.date <= to_date)
            ) u ON u.workload_id = w.workload_id
            WHERE without_check = 0 OR NOT u.check_mode
            GROUP BY u.user_id
        ) g JOIN marts.dim_user d ON d.user_id = g.user_id
        WHERE g.user_id <> 0
        ORDER BY g.runs DESC, d.user_id LIMIT n;
    END IF;
END $$;

CREATE FUNCTION marts.top_projects(
    from_date DATE, to_date DATE, n INTEGER = 5,
    clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, currency TEXT = NULL
) RETURNS TABLE (
    name VARCHAR, project_id INTEGER, runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, hosts BIGINT, elapsed NUMERIC,
    savings NUMERIC, cluster_id INTEGER, savings_as_recorded NUMERIC
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    factor NUMERIC := marts.conversion(currency, to_date);
BEGIN
    RETURN QUERY
    SELECT p.name, p.project_id, g.runs, g.successful, g.runs - g.successful, g.hosts, g.elapsed_ms / 1000, g.savings, p.cluster_id, g.recorded
    FROM (
        SELECT m.project_id, sum(m.runs)::bigint AS runs,
            COALESCE(sum(m.successful_runs), 0)::bigint AS successful,
            sum(m.hosts)::bigint AS hosts, sum(m.elapsed_ms) AS elapsed_ms,
            (sum(m.manual_cost_60) - sum(m.creation_cost_60)) * factor / 60 - sum(m.run_cost_60000) * factor / 60000 AS savings,
            (sum(m.manual_cost_6000_as_recorded) - sum(m.creation_cost_6000_as_recorded)) * factor / 6000
                - sum(m.run_cost_6000000_as_recorded) * factor / 6000000 AS recorded
        FROM marts.template_money(from_date, to_date, clusters, organizations, job_templates, projects, labels) m
        GROUP BY m.project_id
        HAVING sum(m.runs) > 0
    ) g JOIN marts.dim_project p ON p.project_id = g.project_id
    WHERE g.project_id <> 0
    ORDER BY g.runs DESC, p.project_id LIMIT n;
END $$;

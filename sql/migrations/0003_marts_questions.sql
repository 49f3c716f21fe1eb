-- The questions of a dashboard as functions. All take inclusive dates in the reporting time zone and the same trailing filters; NULL
-- filters nothing, an array keeps the rows whose id it holds, `labels` those with any of its labels. Each adds up rows of
-- savings_monthly and, at the range's edges, of savings_daily.

-- The condition of the filters that are given. Statements are made for what is asked: a plan for any filter is slow for each.
CREATE FUNCTION rollup.filter(
    clusters INTEGER[], organizations INTEGER[], job_templates INTEGER[], projects INTEGER[], labels INTEGER[], inventories INTEGER[],
    launch_types TEXT[]
) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT concat_ws(' AND ', 'TRUE', 'cluster_id = ANY (' || quote_literal(clusters) || ')',
        'organization_id = ANY (' || quote_literal(organizations) || ')', 'job_template_id = ANY (' || quote_literal(job_templates) || ')',
        'project_id = ANY (' || quote_literal(projects) || ')', 'inventory_id = ANY (' || quote_literal(inventories) || ')',
        'launch_type = ANY (' || quote_literal(launch_types) || ')',
        'label_set_id IN (SELECT label_set_id FROM marts.bridge_label_set WHERE label_id = ANY (' || quote_literal(labels) || '))')
$$;

-- The rows of a range that a filter keeps, as `s`, with date, keys and measures: months from the begin that is nearest to the first day to
-- the one nearest to the last; days in between are added or subtracted. NULL measures: only months within. NULL monthly: only days.
CREATE FUNCTION rollup.between(
    keys TEXT, measures TEXT, daily TEXT, monthly TEXT, from_date DATE, to_date DATE, filter TEXT
) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT format('(%s) AS s', string_agg(format('SELECT %1$s AS date, %2$s FROM %3$s WHERE %1$s >= %4$L AND %1$s < %5$L AND %6$s', p.day,
        concat_ws(', ', keys, CASE WHEN p.less THEN regexp_replace(measures, '\w+', '-\& AS \&', 'g') ELSE measures END),
        CASE p.day WHEN 'date' THEN daily ELSE monthly END, p.first, p.until, filter), ' UNION ALL '))
    FROM (
        SELECT least(greatest(from_date, '0001-01-01'), '9999-12-31') AS first,
            greatest(from_date, '0001-01-01', least(to_date, '9999-12-31') + 1) AS until
    ) r
    LEFT JOIN LATERAL (
        SELECT date_trunc('month', r.first + CASE WHEN measures IS NULL THEN interval '1 month - 1 day' ELSE '15 days' END)::date AS first,
            date_trunc('month', r.until + CASE WHEN measures IS NULL THEN interval '0' ELSE '15 days' END)::date AS until
    ) m ON monthly IS NOT NULL AND m.first < m.until AND (measures IS NULL OR r.until - r.first > 15)
    CROSS JOIN LATERAL (VALUES ('date', FALSE, r.first, COALESCE(m.first, r.until)), ('month', FALSE, m.first, m.until),
        ('date', TRUE, m.first, r.first), ('date', FALSE, m.until, r.until), ('date', TRUE, r.until, m.until)) AS p (day, less, first, until)
    WHERE p.first < p.until OR r.first >= r.until AND p.until = r.until
$$;

-- How many units of `currency` one unit of the configured currency is worth: the newest rate known on the day.
CREATE FUNCTION rollup.conversion(target TEXT, on_day DATE) RETURNS NUMERIC LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT COALESCE(r.factor, 1)
    FROM marts.formula f
    LEFT JOIN LATERAL (
        SELECT CASE WHEN c.from_currency = f.currency THEN c.rate ELSE 1 / c.rate END AS factor FROM marts.currency_rate c
        WHERE c.rate_date <= COALESCE(on_day, 'infinity') AND (c.from_currency, c.to_currency) IN ((f.currency, upper(target)), (upper(target), f.currency))
        ORDER BY c.rate_date DESC, (c.from_currency = f.currency) DESC LIMIT 1
    ) r ON TRUE
    WHERE rollup.require(target IS NULL OR upper(target) IS NOT DISTINCT FROM f.currency OR target ~ '^[A-Za-z]{3}$', 'invalid_parameter_value',
        format('%L is not a valid currency. Use an ISO code of three letters, such as EUR.', target))
    AND rollup.require(target IS NULL OR upper(target) IS NOT DISTINCT FROM f.currency OR r.factor IS NOT NULL, 'no_data_found',
        format('No exchange rate from %s to %s is known on %s: add one to common_currency_rate (aap-pipeline settings fx set).',
            f.currency, upper(target), on_day))
$$;

CREATE FUNCTION marts.savings_by_template(
    from_date DATE, to_date DATE, clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, currency TEXT = NULL, without_template BOOLEAN = FALSE,
    inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS TABLE (
    name VARCHAR, job_template_id INTEGER, runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, elapsed NUMERIC,
    num_hosts BIGINT, manual_costs NUMERIC, automated_costs NUMERIC, savings NUMERIC,
    cluster_id INTEGER, organization_id INTEGER, provisional_runs BIGINT, creation_costs NUMERIC, run_costs NUMERIC,
    failed_run_costs NUMERIC, time_savings_seconds NUMERIC, roi NUMERIC,
    manual_costs_as_recorded NUMERIC, automated_costs_as_recorded NUMERIC, savings_as_recorded NUMERIC,
    creation_costs_as_recorded NUMERIC, run_costs_as_recorded NUMERIC, failed_run_costs_as_recorded NUMERIC
) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
    SELECT t.name, t.job_template_id, g.runs, g.successful, g.runs - g.successful, g.elapsed, g.hosts, g.manual, g.creation + g.run,
        g.manual - g.creation - g.run, t.cluster_id, t.organization_id, g.provisional, g.creation, g.run, g.failed_run, g.saved_seconds,
        round((g.manual - g.creation - g.run) / NULLIF(g.creation + g.run, 0), 11), g.manual_r, g.creation_r + g.run_r,
        g.manual_r - g.creation_r - g.run_r, g.creation_r, g.run_r, g.failed_run_r
    FROM (
        SELECT s.job_template_id, sum(s.runs) AS runs, COALESCE(sum(s.runs) FILTER (WHERE s.status = 'successful'), 0) AS successful,
            sum(s.provisional_runs) AS provisional, sum(s.hosts) AS hosts, sum(s.elapsed_seconds) AS elapsed,
            sum(s.time_savings_seconds) AS saved_seconds, round(sum(s.manual_costs) * $1, 11) AS manual,
            round(sum(s.creation_costs) * $1, 11) AS creation, round(sum(s.run_costs) * $1, 11) AS run,
            round(COALESCE(sum(s.run_costs) FILTER (WHERE s.status = 'failed'), 0) * $1, 11) AS failed_run,
            round(sum(s.manual_costs_as_recorded) * $1, 11) AS manual_r, round(sum(s.creation_costs_as_recorded) * $1, 11) AS creation_r,
            round(sum(s.run_costs_as_recorded) * $1, 11) AS run_r,
            round(COALESCE(sum(s.run_costs_as_recorded) FILTER (WHERE s.status = 'failed'), 0) * $1, 11) AS failed_run_r
        FROM %s GROUP BY s.job_template_id HAVING sum(s.runs + s.runs_without_hosts + s.extra_slices) > 0
    ) g JOIN marts.dim_job_template t USING (job_template_id)
    WHERE $2 OR g.job_template_id <> 0 AND g.runs > 0
    ORDER BY 10 DESC, 2
    $query$, rollup.between('job_template_id, status', 'runs, runs_without_hosts, extra_slices, provisional_runs, hosts, elapsed_seconds, '
        'time_savings_seconds, manual_costs, creation_costs, run_costs, manual_costs_as_recorded, creation_costs_as_recorded, '
        'run_costs_as_recorded', 'marts.savings_daily', 'marts.savings_monthly', from_date, to_date,
        rollup.filter(clusters, organizations, job_templates, projects, labels, inventories, launch_types)))
    USING rollup.conversion(currency, to_date), without_template;
END $$;

-- The hosts of a range, as one bitmap per cluster and chunk. Filters that name nothing below organizations read their rows.
CREATE FUNCTION rollup.host_bits(
    from_date DATE, to_date DATE, clusters INTEGER[], organizations INTEGER[], job_templates INTEGER[], projects INTEGER[], labels INTEGER[],
    inventories INTEGER[], launch_types TEXT[]
) RETURNS TABLE (cluster_id INTEGER, chunk SMALLINT, hosts BIT) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT s.cluster_id, s.chunk, bit_or(s.hosts) FROM %s GROUP BY 1, 2',
        rollup.between('cluster_id, chunk, hosts', NULL, 'rollup.host_set_daily', 'rollup.host_set_monthly', from_date, to_date,
            format('(job_template_id IS NULL) = %L AND %s', COALESCE(job_templates, projects, labels, inventories) IS NULL AND launch_types IS NULL,
                rollup.filter(clusters, organizations, job_templates, projects, labels, inventories, launch_types))));
END $$;

CREATE FUNCTION marts.unique_hosts(
    from_date DATE, to_date DATE, clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT COALESCE(sum(bit_count(hosts)), 0)::bigint
    FROM rollup.host_bits(from_date, to_date, clusters, organizations, job_templates, projects, labels, inventories, launch_types)
$$;

CREATE FUNCTION marts.managed_nodes(
    from_date DATE, to_date DATE, clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT count(DISTINCT lower(h.name))
    FROM rollup.host_bits(from_date, to_date, clusters, organizations, job_templates, projects, labels, inventories, launch_types) b
    JOIN rollup.host h ON h.cluster_id = b.cluster_id AND h.ordinal / 1024 = b.chunk AND get_bit(b.hosts, h.ordinal % 1024) = 1
$$;

CREATE FUNCTION marts.totals(
    from_date DATE, to_date DATE, clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, currency TEXT = NULL, inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS TABLE (
    runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, hosts BIGINT, unique_hosts BIGINT, elapsed NUMERIC,
    elapsed_hours NUMERIC, manual_costs NUMERIC, automated_costs NUMERIC, savings NUMERIC, time_savings_seconds NUMERIC,
    time_savings_hours NUMERIC, roi NUMERIC, runs_without_template BIGINT, provisional_runs BIGINT, job_templates_run BIGINT,
    creation_costs NUMERIC, run_costs NUMERIC, failed_run_costs NUMERIC, fte NUMERIC,
    manual_costs_as_recorded NUMERIC, automated_costs_as_recorded NUMERIC, savings_as_recorded NUMERIC,
    currency_code VARCHAR,
    creation_costs_as_recorded NUMERIC, run_costs_as_recorded NUMERIC, failed_run_costs_as_recorded NUMERIC
) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- The sum of the templates' rows, so that both agree.
    SELECT COALESCE(sum(s.runs), 0)::bigint, COALESCE(sum(s.successful_runs), 0)::bigint, COALESCE(sum(s.failed_runs), 0)::bigint,
        COALESCE(sum(s.num_hosts), 0)::bigint,
        marts.unique_hosts(from_date, to_date, clusters, organizations, job_templates, projects, labels, inventories, launch_types),
        COALESCE(sum(s.elapsed), 0), round(COALESCE(sum(s.elapsed), 0) / 3600, 11), COALESCE(sum(s.manual_costs), 0),
        COALESCE(sum(s.automated_costs), 0), COALESCE(sum(s.savings), 0), COALESCE(sum(s.time_savings_seconds), 0),
        round(COALESCE(sum(s.time_savings_seconds), 0) / 3600, 11), round(sum(s.savings) / NULLIF(sum(s.automated_costs), 0), 11),
        COALESCE(sum(s.runs) FILTER (WHERE s.job_template_id = 0), 0)::bigint, COALESCE(sum(s.provisional_runs), 0)::bigint,
        count(*) FILTER (WHERE s.job_template_id <> 0 AND s.runs > 0), COALESCE(sum(s.creation_costs), 0), COALESCE(sum(s.run_costs), 0),
        COALESCE(sum(s.failed_run_costs), 0), round(COALESCE(sum(s.time_savings_seconds), 0) / (3600 * min(f.hours_per_fte)), 16),
        COALESCE(sum(s.manual_costs_as_recorded), 0), COALESCE(sum(s.automated_costs_as_recorded), 0),
        COALESCE(sum(s.savings_as_recorded), 0), COALESCE(upper(totals.currency), min(f.currency))::varchar,
        COALESCE(sum(s.creation_costs_as_recorded), 0), COALESCE(sum(s.run_costs_as_recorded), 0),
        COALESCE(sum(s.failed_run_costs_as_recorded), 0)
    FROM marts.formula f
    LEFT JOIN marts.savings_by_template(from_date, to_date, clusters, organizations, job_templates, projects, labels, totals.currency,
        TRUE, inventories, launch_types) s ON TRUE
$$;

CREATE FUNCTION marts.job_counts(
    from_date DATE, to_date DATE, granularity TEXT = 'day', clusters INTEGER[] = NULL, organizations INTEGER[] = NULL,
    job_templates INTEGER[] = NULL, projects INTEGER[] = NULL, labels INTEGER[] = NULL, inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS TABLE (date_bucket TIMESTAMPTZ, job_count BIGINT, host_count BIGINT, bucket_date DATE)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
#variable_conflict use_column
DECLARE
    zone TEXT := (SELECT f.reporting_timezone FROM marts.formula f);
    filter TEXT := rollup.filter(clusters, organizations, job_templates, projects, labels, inventories, launch_types);
BEGIN
    PERFORM rollup.require(isfinite(from_date) AND isfinite(to_date), 'invalid_parameter_value',
        format('A chart from %s to %s has no end: give two days.', from_date, to_date));
    PERFORM rollup.require(granularity IN ('hour', 'day', 'week', 'month', 'quarter', 'year'), 'invalid_parameter_value',
        format('Granularity cannot be "%s": it must be one of hour, day, week, month, quarter, year.', granularity));
    IF granularity = 'hour' THEN
        RETURN QUERY EXECUTE format($query$
        SELECT b.at, COALESCE(j.jobs, 0), COALESCE(j.hosts, 0)::bigint, (b.at AT TIME ZONE $1)::date
        FROM (SELECT DISTINCT date_trunc('hour', h, $1) AS at FROM generate_series($2, $3 - interval '1 microsecond', interval '30 minutes') AS h) b
        LEFT JOIN (
            SELECT date_trunc('hour', finished, $1) AS at, count(*) FILTER (WHERE runs > 0 OR hosts = 0) AS jobs, sum(hosts) AS hosts
            FROM marts.fct_job_run WHERE finished >= $2 AND finished < $3 AND NOT left_out AND %s GROUP BY 1
        ) j ON j.at = b.at
        ORDER BY b.at
        $query$, filter) USING zone, rollup.day_start(from_date, zone), rollup.day_start(to_date + 1, zone);
    ELSE
        RETURN QUERY EXECUTE format($query$
        SELECT rollup.day_start(b.at::date, $1), COALESCE(c.jobs, 0), COALESCE(c.hosts, 0), b.at::date
        FROM generate_series(date_trunc($2, $3::timestamp), $4::timestamp,
            CASE $2 WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || $2)::interval END) AS b(at)
        LEFT JOIN (
            SELECT date_trunc($2, d.date::timestamp) AS at, sum(d.jobs)::bigint AS jobs, sum(d.hosts)::bigint AS hosts
            FROM (SELECT s.date, sum(s.runs + s.runs_without_hosts) AS jobs, sum(s.hosts) AS hosts FROM %s GROUP BY s.date) d
            GROUP BY 1
        ) c ON c.at = b.at
        ORDER BY b.at
        $query$, rollup.between(NULL, 'runs, runs_without_hosts, hosts', 'marts.savings_daily',
            CASE WHEN granularity NOT IN ('day', 'week') THEN 'marts.savings_monthly' END, from_date, to_date, filter))
        USING zone, granularity, from_date, to_date;
    END IF;
END $$;

CREATE FUNCTION marts.top_users(
    from_date DATE, to_date DATE, n INTEGER = 5, clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, types TEXT[] = NULL, inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS TABLE (
    name VARCHAR, user_id INTEGER, type VARCHAR, runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, hosts BIGINT,
    elapsed NUMERIC, cluster_id INTEGER
) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT d.name, d.user_id, d.type, g.runs, g.successful, g.runs - g.successful, g.hosts, g.elapsed, d.cluster_id
        FROM (
            SELECT s.user_id, sum(s.runs) AS runs, COALESCE(sum(s.runs) FILTER (WHERE s.status = 'successful'), 0) AS successful,
                sum(s.hosts) AS hosts, sum(s.elapsed_seconds) AS elapsed
            FROM %s WHERE s.user_id <> 0 GROUP BY s.user_id HAVING sum(s.runs) > 0
        ) g JOIN marts.dim_user d USING (user_id)
        WHERE $1 IS NULL OR d.type = ANY ($1)
        ORDER BY g.runs DESC, d.user_id LIMIT $2
        $query$, rollup.between('user_id, status', 'runs, hosts, elapsed_seconds', 'marts.launches', 'rollup.launches_monthly', from_date,
            to_date, rollup.filter(clusters, organizations, job_templates, projects, labels, inventories, launch_types))) USING types, n;
END $$;

CREATE FUNCTION marts.top_projects(
    from_date DATE, to_date DATE, n INTEGER = 5, clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, currency TEXT = NULL, inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS TABLE (
    name VARCHAR, project_id INTEGER, runs BIGINT, successful_runs BIGINT, failed_runs BIGINT, hosts BIGINT, elapsed NUMERIC,
    savings NUMERIC, cluster_id INTEGER, savings_as_recorded NUMERIC
) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT p.name, p.project_id, g.runs, g.successful, g.runs - g.successful, g.hosts, g.elapsed, round(g.savings * $1, 11),
            p.cluster_id, round(g.recorded * $1, 11)
        FROM (
            SELECT s.project_id, sum(s.runs) AS runs, COALESCE(sum(s.runs) FILTER (WHERE s.status = 'successful'), 0) AS successful,
                sum(s.hosts) AS hosts, sum(s.elapsed_seconds) AS elapsed, sum(s.savings) AS savings, sum(s.savings_as_recorded) AS recorded
            FROM %s WHERE s.project_id <> 0 GROUP BY s.project_id HAVING sum(s.runs) > 0
        ) g JOIN marts.dim_project p USING (project_id)
        ORDER BY g.runs DESC, p.project_id LIMIT $2
        $query$, rollup.between('project_id, status', 'runs, hosts, elapsed_seconds, savings, savings_as_recorded', 'marts.savings_daily',
            'marts.savings_monthly', from_date, to_date,
            rollup.filter(clusters, organizations, job_templates, projects, labels, inventories, launch_types)))
    USING rollup.conversion(currency, to_date), n;
END $$;

-- Ids for a function's filter, by name: marts.totals(…, organizations := marts.ids('organization', ARRAY['Default'])).
CREATE FUNCTION marts.ids(kind TEXT, names TEXT[]) RETURNS INTEGER[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    found INTEGER[];
    unknown TEXT;
BEGIN
    PERFORM rollup.require(kind IN ('cluster', 'organization', 'job_template', 'project', 'inventory', 'label'), 'invalid_parameter_value',
        format('Kind cannot be "%s": it must be one of cluster, organization, job_template, project, inventory, label.', kind));
    EXECUTE format('SELECT array_agg(DISTINCT d.%1$s_id), min(n) FILTER (WHERE d.%1$s_id IS NULL)'
        ' FROM unnest($1) n LEFT JOIN marts.dim_%1$s d ON n IN (d.name, d.%1$s)', kind) INTO found, unknown USING names;
    PERFORM rollup.require(unknown IS NULL, 'no_data_found',
        format('There is no %1$s "%2$s": SELECT name FROM marts.dim_%1$s shows those that there are.', kind, unknown));
    RETURN found;
END $$;

-- A named range of days, up to today. Quarters and years are those of the fiscal year.
CREATE FUNCTION marts.period(name TEXT, OUT from_date DATE, OUT to_date DATE) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    part TEXT := substring(name FROM '^(?:this|last)_(week|month|quarter|year)$');
    days INTEGER := substring(name FROM '^last_([1-9]\d{0,4})_days$');
    shift INTERVAL := (SELECT make_interval(months => f.fiscal_year_start_month - 1) FROM marts.formula f WHERE part <> 'week');
BEGIN
    to_date := marts.today() - (name = 'yesterday')::int;
    IF part IS NOT NULL THEN
        from_date := date_trunc(part, to_date - COALESCE(shift, '0')) + COALESCE(shift, '0');
        IF name LIKE 'last_%' THEN
            to_date := from_date - 1;
            from_date := from_date - CASE part WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || part)::interval END;
        END IF;
    ELSE
        PERFORM rollup.require(COALESCE(name IN ('today', 'yesterday', 'all'), FALSE) OR days IS NOT NULL, 'invalid_parameter_value',
            format('Period cannot be "%s": it must be today, yesterday, all, last_N_days, or this_ or last_ week, month, quarter or year.', name));
        from_date := CASE name WHEN 'all' THEN (SELECT min(date) FROM marts.dim_date) ELSE to_date + 1 - COALESCE(days, 1) END;
    END IF;
END $$;

-- Costs and savings under each choice of the formula's settings, side by side; the row in force is marked.
CREATE FUNCTION marts.formula_comparison(
    from_date DATE, to_date DATE, clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL, inventories INTEGER[] = NULL, launch_types TEXT[] = NULL
) RETURNS TABLE (
    cost_model TEXT, creation TEXT, savings_population TEXT, count_check_mode BOOLEAN, in_force BOOLEAN, runs BIGINT,
    manual_costs NUMERIC, automated_costs NUMERIC, savings NUMERIC, count_slices TEXT
) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    keys TEXT := 'cluster_id, organization_id, job_template_id, job_type, status';
    measures TEXT := 'runs, extra_slices, hosts, elapsed_seconds';
    filter TEXT := rollup.filter(clusters, organizations, job_templates, projects, labels, inventories, launch_types);
BEGIN
    RETURN QUERY EXECUTE format($query$
    WITH choice AS (
        SELECT m.cost_model, m.cost_model = 'subscription' AS subscription, c.creation, c.creation <> 'not counted' AS count_creation,
            c.creation = 'once' AS creation_once, p.successful_only, p.count_check_mode, p.slices_once
        FROM unnest(ARRAY['per_minute', 'subscription']) AS m (cost_model)
        CROSS JOIN unnest(ARRAY['per_run', 'once', 'not counted']) AS c (creation) CROSS JOIN rollup.population p
    ), part AS MATERIALIZED (
        -- Once by what has a price by the minute (no month), and once by month, for the run time that shares a subscription.
        SELECT s.cluster_id, s.organization_id, s.job_template_id, s.job_type = 'check' AS is_check, s.status,
            date_trunc('month', s.date::timestamp)::date AS month, sum(s.runs) AS runs, sum(s.extra_slices) AS extra_slices,
            sum(s.hosts) AS hosts, sum(s.elapsed_seconds) FILTER (WHERE s.job_template_id <> 0) AS elapsed
        FROM (SELECT s.date, %4$s FROM %1$s UNION ALL SELECT s.date, %4$s FROM %2$s) s
        GROUP BY GROUPING SETS ((1, 2, 3, 4, 5), (4, 5, 6))
    ), first AS MATERIALIZED (
        SELECT r.cluster_id, r.organization_id, r.job_template_id, r.job_type = 'check' AS is_check, r.status, r.count_check_mode,
            r.successful_only, r.slices_once
        FROM rollup.first_run r
        WHERE r.date BETWEEN COALESCE($1, '-infinity') AND COALESCE($2, 'infinity') AND %3$s
    )
    SELECT c.cost_model, c.creation, CASE WHEN c.successful_only THEN 'successful_only' ELSE 'all' END, c.count_check_mode,
        (c.subscription, c.count_creation, c.count_creation AND c.creation_once, c.successful_only, c.count_check_mode, c.slices_once)
            = (g.subscription, g.count_creation, g.count_creation AND g.creation_once, g.successful_only, g.count_check_mode, g.slices_once),
        COALESCE(sum(n.runs) FILTER (WHERE p.month IS NULL), 0)::bigint, COALESCE(sum(m.manual_costs), 0),
        COALESCE(sum(m.automated_costs), 0), COALESCE(sum(m.savings), 0),
        CASE WHEN c.slices_once THEN 'once' ELSE 'each' END
    FROM choice c
    -- The other way to count slices only where there are any.
    JOIN marts.formula g ON c.slices_once = g.slices_once OR EXISTS (SELECT FROM part x WHERE x.extra_slices > 0)
    LEFT JOIN part p ON (c.count_check_mode OR NOT p.is_check) AND (NOT c.successful_only OR p.status = 'successful')
        AND (c.subscription OR p.month IS NULL)
    CROSS JOIN LATERAL (SELECT p.runs + p.extra_slices * (g.slices_once::int - c.slices_once::int) AS runs) n
    LEFT JOIN first r ON (r.job_template_id, r.cluster_id, r.organization_id, r.is_check, r.status)
            = (p.job_template_id, p.cluster_id, p.organization_id, p.is_check, p.status)
        AND (r.count_check_mode, r.successful_only, r.slices_once) = (c.count_check_mode, c.successful_only, c.slices_once)
    LEFT JOIN marts.template_minutes t ON t.job_template_id = p.job_template_id AND t.valid_to = '9999-12-31'
    LEFT JOIN marts.current_rate a ON a.cluster_id = p.cluster_id AND a.organization_id = p.organization_id
    LEFT JOIN rollup.population_month s ON s.month = p.month AND s.count_check_mode = c.count_check_mode
        AND s.successful_only = c.successful_only AND c.subscription
    LEFT JOIN LATERAL rollup.costs(p.job_template_id IS DISTINCT FROM 0, c.count_creation, c.creation_once, p.hosts, n.runs,
        (r.job_template_id IS NOT NULL)::int, p.elapsed, t.manual_minutes, t.creation_minutes,
        CASE WHEN c.subscription THEN a.hourly::numeric(42,24) / 60 ELSE a.manual END,
        CASE WHEN c.subscription THEN s.run_second ELSE a.automated::numeric(42,24) / 60 END) m ON TRUE
    GROUP BY c.cost_model, c.subscription, c.creation, c.count_creation, c.creation_once, c.successful_only, c.count_check_mode,
        c.slices_once, g.only_row
    ORDER BY c.cost_model, c.creation DESC, c.successful_only, c.count_check_mode DESC, c.slices_once
    $query$, rollup.between(keys, measures, 'marts.savings_daily', 'marts.savings_monthly', from_date, to_date, filter),
        rollup.between(keys, measures, 'rollup.left_out_daily', NULL, from_date, to_date, filter), filter, concat(keys, ', ', measures))
    USING from_date, to_date;
END $$;

-- Who may read and call what.

-- Roles belong to the server, not to the database: another one may have made it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bi_reader') THEN
        CREATE ROLE bi_reader NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'Role bi_reader is missing and this user may not create it: ask an administrator for CREATE ROLE bi_reader.';
END $$;
GRANT USAGE ON SCHEMA marts, rollup TO bi_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA marts TO bi_reader;
GRANT SELECT ON rollup.launches_monthly, rollup.left_out_daily, rollup.host_set_daily, rollup.host_set_monthly, rollup.host,
    rollup.host_runs_monthly, rollup.price, rollup.price_period, rollup.minutes, rollup.population, rollup.population_month,
    rollup.first_run TO bi_reader;
-- Functions that write, or read what bi_reader may not, are not for everyone.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA marts, rollup FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA marts TO bi_reader;
REVOKE EXECUTE ON FUNCTION marts.set_rate FROM bi_reader;
GRANT EXECUTE ON FUNCTION rollup.day_start, rollup.conversion, rollup.require, rollup.filter, rollup.between, rollup.host_bits, rollup.costs,
    rollup.money, rollup.web_address TO bi_reader;

-- Row-level security. The first condition is asked once per query, not once per row. Dimensions follow the facts that the reader may
-- see; policies apply within policies.
DO $$
DECLARE
    own CONSTANT TEXT := 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])';
    ran CONSTANT TEXT := '%1$s IN (SELECT f.%1$s FROM marts.savings_monthly f)';
    rule RECORD;
BEGIN
    FOR rule IN
        VALUES
            ('marts.savings_daily', own), ('marts.savings_monthly', own), ('marts.launches', own), ('rollup.launches_monthly', own),
            ('rollup.left_out_daily', own), ('rollup.host_set_daily', own), ('rollup.host_set_monthly', own), ('rollup.first_run', own),
            ('rollup.host_runs_monthly', own), ('marts.dim_organization', own), ('marts.rate_period', own),
            ('marts.rate_history', own
                || ' OR organization_id = 0 AND (cluster_id = 0 OR cluster_id IN (SELECT c.cluster_id FROM marts.dim_cluster c))'),
            ('marts.dim_cluster', 'cluster_id IN (SELECT o.cluster_id FROM marts.dim_organization o) OR ' || format(ran, 'cluster_id')),
            ('marts.dim_job_template', own || ' OR ' || format(ran, 'job_template_id')),
            ('marts.template_minutes', 'job_template_id IN (SELECT t.job_template_id FROM marts.dim_job_template t)'),
            ('marts.dim_project', format(ran, 'project_id')), ('marts.dim_inventory', format(ran, 'inventory_id')),
            ('marts.dim_label_set', format(ran, 'label_set_id')), ('marts.bridge_label_set', format(ran, 'label_set_id')),
            ('marts.dim_label', 'label_id IN (SELECT b.label_id FROM marts.bridge_label_set b)'),
            ('marts.dim_user', 'user_id IN (SELECT l.user_id FROM rollup.launches_monthly l)'),
            ('rollup.host', 'host_id IN (SELECT r.host_id FROM rollup.host_runs_monthly r)')
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', rule.column1);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT USING ((SELECT marts.sees_all()) OR %s)', rule.column1, rule.column2);
    END LOOP;
END $$;

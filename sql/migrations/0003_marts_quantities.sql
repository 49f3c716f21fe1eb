-- What the questions of 0003_marts_questions.sql are made of: how a range of days is read, which workloads the filters keep,
-- and their quantities and money between two days.

-- The first day of the pentad that a day lies in: a month's days 1-5, 6-10, ... and 26 to its end.
CREATE FUNCTION marts.pentad(day DATE) RETURNS DATE LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT day - CASE WHEN extract(day FROM day) > 25 THEN extract(day FROM day)::int - 26
        ELSE (extract(day FROM day)::int - 1) % 5 END
$$;

CREATE FUNCTION marts.next_pentad(pentad DATE) RETURNS DATE LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN extract(day FROM pentad) > 25 THEN (date_trunc('month', pentad::timestamp) + interval '1 month')::date
        ELSE pentad + 5 END
$$;

-- How a range is read: days before p1 and from p2, pentads p1 <= pentad < m1 and m2 <= pentad < p2, months m1 <= month < m2.
CREATE FUNCTION marts.split(from_date DATE, to_date DATE, OUT p1 DATE, OUT m1 DATE, OUT m2 DATE, OUT p2 DATE)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    p1 := marts.pentad(from_date);
    IF p1 < from_date THEN
        p1 := marts.next_pentad(p1);
    END IF;
    p2 := marts.pentad(to_date + 1);
    IF p1 >= p2 THEN
        p1 := to_date + 1;
        p2 := p1;
    END IF;
    m1 := date_trunc('month', (from_date - 1)::timestamp)::date + interval '1 month';
    m2 := date_trunc('month', (to_date + 1)::timestamp)::date;
    IF m1 >= m2 THEN
        m1 := p2;
        m2 := p2;
    END IF;
END $$;

-- The dates of the tables to date whose sums, taken with their signs, are those of a range; `starts` is the first day of
-- the part that a date ends: each month's, or with by_day each day's.
CREATE FUNCTION marts.to_date_terms(from_date DATE, to_date DATE, by_day BOOLEAN = FALSE)
RETURNS TABLE (date DATE, sign INTEGER, starts DATE) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    first DATE := greatest(from_date, (SELECT min(t.date) FROM marts.dim_date t));
    last DATE := least(to_date, (SELECT max(t.date) FROM marts.dim_date t));
BEGIN
    IF from_date IS NULL OR to_date IS NULL OR first > last THEN
        RETURN;
    END IF;
    IF by_day THEN
        RETURN QUERY
        SELECT d::date, 1, d::date FROM generate_series(first::timestamp, last::timestamp, interval '1 day') d
        UNION ALL
        SELECT d::date - 1, -1, d::date FROM generate_series(first::timestamp, last::timestamp, interval '1 day') d
        WHERE extract(day FROM d) > 1;
    ELSE
        RETURN QUERY
        SELECT least(last, (m + interval '1 month - 1 day')::date), 1, greatest(first, m::date)
        FROM generate_series(date_trunc('month', first::timestamp), last::timestamp, interval '1 month') m
        UNION ALL
        SELECT first - 1, -1, first WHERE extract(day FROM first) > 1;
    END IF;
END $$;

-- The workloads that the filters keep.
CREATE FUNCTION marts.matching_workloads(
    clusters INTEGER[], organizations INTEGER[], job_templates INTEGER[], projects INTEGER[], labels INTEGER[]
) RETURNS SETOF marts.workload LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT w.* FROM marts.workload w
    WHERE (clusters IS NULL OR w.cluster_id = ANY (clusters))
      AND (organizations IS NULL OR w.organization_id = ANY (organizations))
      AND (job_templates IS NULL OR w.job_template_id = ANY (job_templates))
      AND (projects IS NULL OR w.project_id = ANY (projects))
      AND (labels IS NULL OR w.label_set_id IN (SELECT b.label_set_id FROM marts.bridge_label_set b WHERE b.label_id = ANY (labels)))
$$;

-- Successful and failed jobs as they stand in core, for charts by the hour. Views run with their owner's rights, but
-- current_user stays the reader's: the condition is the reader's own. 0 stands for none, as everywhere in the marts.
CREATE VIEW marts.counted_job WITH (security_barrier = true) AS
    SELECT j.id AS job_id, j.cluster_id, COALESCE(j.organization_id, 0) AS organization_id,
        COALESCE(j.job_template_id, 0) AS job_template_id, COALESCE(j.project_id, 0) AS project_id, j.finished, j.num_hosts
    FROM archive.all_jobs j
    WHERE j.status IN ('successful', 'failed')
      AND (j.job_type <> 'check' OR (SELECT f.count_check_mode FROM marts.formula f))
      AND ((SELECT marts.sees_all()) OR COALESCE(j.organization_id, 0) = ANY ((SELECT marts.visible_organizations())::int[]));
CREATE VIEW marts.counted_job_label WITH (security_barrier = true) AS
    SELECT l.job_id, l.label_id FROM archive.all_job_labels l
    WHERE (SELECT marts.sees_all())
       OR EXISTS (SELECT FROM archive.all_jobs j WHERE j.id = l.job_id
                  AND COALESCE(j.organization_id, 0) = ANY ((SELECT marts.visible_organizations())::int[]));

-- What the subscription charges for run time in the range: that of the runs that the population counts, and of failed ones.
CREATE FUNCTION marts.subscription_cost(
    from_date DATE, to_date DATE,
    clusters INTEGER[], organizations INTEGER[], job_templates INTEGER[], projects INTEGER[], labels INTEGER[]
) RETURNS TABLE (
    cluster_id INTEGER, organization_id INTEGER, job_template_id INTEGER, project_id INTEGER, cost NUMERIC, failed_cost NUMERIC,
    cost_as_recorded NUMERIC, failed_cost_as_recorded NUMERIC
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    f marts.formula;
    dates DATE[];
    signs INTEGER[];
    months DATE[];
    without_check INTEGER;
BEGIN
    SELECT * INTO f FROM marts.formula;
    without_check := (NOT f.count_check_mode)::int;
    SELECT array_agg(t.date ORDER BY t.date, t.starts), array_agg(t.sign ORDER BY t.date, t.starts),
        array_agg(date_trunc('month', t.starts::timestamp)::date ORDER BY t.date, t.starts) INTO dates, signs, months
    FROM marts.to_date_terms(from_date, to_date) t;
    RETURN QUERY
    SELECT u.cluster_id, u.organization_id, u.job_template_id, u.project_id,
        sum(CASE WHEN f.successful_only THEN u.successful_ms ELSE u.ms END * p.price / p.elapsed_ms),
        sum((u.ms - u.successful_ms) * p.price / p.elapsed_ms),
        sum(CASE WHEN f.successful_only THEN u.successful_ms ELSE u.ms END * p.price_as_recorded / p.elapsed_ms),
        sum((u.ms - u.successful_ms) * p.price_as_recorded / p.elapsed_ms)
    FROM (
        SELECT w.cluster_id, w.organization_id, w.job_template_id, w.project_id, p.month,
            sum(p.sign * (d.elapsed_ms - without_check * d.check_elapsed_ms)) AS ms,
            sum(p.sign * (d.successful_elapsed_ms - without_check * d.check_successful_elapsed_ms)) AS successful_ms
        FROM marts.workload_to_date d
        JOIN unnest(dates, signs, months) AS p (date, sign, month) ON p.date = d.date
        JOIN marts.matching_workloads(clusters, organizations, job_templates, projects, labels) w ON w.workload_id = d.workload_id
        WHERE d.date = ANY (dates)
        GROUP BY 1, 2, 3, 4, 5
    ) u
    JOIN marts.subscription_month p ON p.month = u.month
    GROUP BY 1, 2, 3, 4;
END $$;

-- Quantities of each cluster, organization, job template and project with runs in the range. The last six are of the runs
-- that the population counts.
CREATE FUNCTION marts.template_quantities(
    from_date DATE, to_date DATE,
    clusters INTEGER[], organizations INTEGER[], job_templates INTEGER[], projects INTEGER[], labels INTEGER[]
) RETURNS TABLE (
    cluster_id INTEGER, organization_id INTEGER, job_template_id INTEGER, project_id INTEGER,
    runs BIGINT, successful_runs BIGINT, provisional_runs BIGINT, hosts BIGINT, elapsed_ms BIGINT, failed_ms BIGINT,
    counted_runs BIGINT, counted_hosts BIGINT, counted_ms BIGINT, manual_cents BIGINT, creation_cents BIGINT, run_cent_ms BIGINT,
    failed_run_cent_ms BIGINT
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    f marts.formula;
    dates DATE[];
    signs INTEGER[];
    without_check INTEGER;
BEGIN
    SELECT * INTO f FROM marts.formula;
    without_check := (NOT f.count_check_mode)::int;
    SELECT array_agg(t.date ORDER BY t.date), array_agg(t.sign ORDER BY t.date) INTO dates, signs
    FROM marts.to_date_terms(from_date, to_date) t;
    RETURN QUERY
    SELECT q.cluster_id, q.organization_id, q.job_template_id, q.project_id,
        q.runs, q.successful_runs, q.provisional_runs, q.hosts, q.ms::bigint, (q.ms - q.successful_ms)::bigint,
        CASE WHEN f.successful_only THEN q.successful_runs ELSE q.runs END,
        CASE WHEN f.successful_only THEN q.successful_hosts ELSE q.hosts END,
        CASE WHEN f.successful_only THEN q.successful_ms ELSE q.ms END::bigint,
        q.manual_cents::bigint, q.creation_cents::bigint,
        CASE WHEN f.successful_only THEN q.successful_run_cent_ms ELSE q.run_cent_ms END::bigint,
        (q.run_cent_ms - q.successful_run_cent_ms)::bigint
    FROM (
        SELECT w.cluster_id, w.organization_id, w.job_template_id, w.project_id,
            sum(p.sign * (d.runs - without_check * d.check_runs)) AS runs,
            sum(p.sign * (d.successful_runs - without_check * d.check_successful_runs)) AS successful_runs,
            sum(p.sign * (d.provisional_runs - without_check * d.check_provisional_runs)) AS provisional_runs,
            sum(p.sign * (d.hosts - without_check * d.check_hosts)) AS hosts,
            sum(p.sign * (d.successful_hosts - without_check * d.check_successful_hosts)) AS successful_hosts,
            sum(p.sign * (d.elapsed_ms - without_check * d.check_elapsed_ms)) AS ms,
            sum(p.sign * (d.successful_elapsed_ms - without_check * d.check_successful_elapsed_ms)) AS successful_ms,
            sum(p.sign * CASE WHEN f.successful_only
                THEN d.successful_manual_cents_as_recorded - without_check * d.check_successful_manual_cents_as_recorded
                ELSE d.manual_cents_as_recorded - without_check * d.check_manual_cents_as_recorded END) AS manual_cents,
            sum(p.sign * CASE WHEN f.successful_only
                THEN d.successful_creation_cents_as_recorded - without_check * d.check_successful_creation_cents_as_recorded
                ELSE d.creation_cents_as_recorded - without_check * d.check_creation_cents_as_recorded END) AS creation_cents,
            sum(p.sign * (d.run_cent_ms_as_recorded - without_check * d.check_run_cent_ms_as_recorded)) AS run_cent_ms,
            sum(p.sign * (d.successful_run_cent_ms_as_recorded - without_check * d.check_successful_run_cent_ms_as_recorded))
                AS successful_run_cent_ms
        FROM marts.workload_to_date d
        JOIN unnest(dates, signs) AS p (date, sign) ON p.date = d.date
        JOIN marts.matching_workloads(clusters, organizations, job_templates, projects, labels) w ON w.workload_id = d.workload_id
        WHERE d.date = ANY (dates)
        GROUP BY 1, 2, 3, 4
    ) q
    WHERE q.runs > 0 OR q.provisional_runs > 0;
END $$;

-- The same with their money. manual_cost_60 and creation_cost_60 are costs times 60, run_cost_60000 the cost of run time times
-- 60,000, for minutes are paid by the hour and milliseconds by the minute: whoever adds rows up divides once. What is recorded is in sixtieths of cents (and in cents a minute x
-- milliseconds) for the same reason.
CREATE FUNCTION marts.template_money(
    from_date DATE, to_date DATE,
    clusters INTEGER[], organizations INTEGER[], job_templates INTEGER[], projects INTEGER[], labels INTEGER[]
) RETURNS TABLE (
    cluster_id INTEGER, organization_id INTEGER, job_template_id INTEGER, project_id INTEGER,
    runs BIGINT, successful_runs BIGINT, provisional_runs BIGINT, hosts BIGINT, elapsed_ms BIGINT,
    manual_minutes BIGINT, creation_minutes BIGINT, counted_ms BIGINT,
    manual_cost_60 NUMERIC, creation_cost_60 NUMERIC, run_cost_60000 NUMERIC, failed_run_cost_60000 NUMERIC,
    manual_cost_6000_as_recorded NUMERIC, creation_cost_6000_as_recorded NUMERIC, run_cost_6000000_as_recorded NUMERIC,
    failed_run_cost_6000000_as_recorded NUMERIC
) LANGUAGE plpgsql STABLE PARALLEL SAFE
SET enable_nestloop = off SET enable_sort = off SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    f marts.formula;
    subscribed BOOLEAN;
BEGIN
    SELECT * INTO f FROM marts.formula;
    subscribed := f.subscription OR EXISTS (SELECT FROM marts.dim_cluster d WHERE d.recorded_by_subscription);
    -- OFFSET 0: what the settings do not ask for is not computed at all, what several columns need is computed once.
    RETURN QUERY
    SELECT q.cluster_id, q.organization_id, q.job_template_id, q.project_id,
        q.runs, q.successful_runs, q.provisional_runs, q.hosts, q.elapsed_ms,
        c.manual_minutes, c.creation_minutes, CASE WHEN n.counts THEN q.counted_ms ELSE 0 END,
        c.manual_minutes * r.person_hour, c.creation_minutes * r.person_hour,
        CASE WHEN NOT n.counts THEN 0 WHEN f.subscription THEN COALESCE(sub.cost, 0) * 60000 ELSE q.counted_ms * r.automated END,
        CASE WHEN NOT n.counts OR f.successful_only THEN 0
            WHEN f.subscription THEN COALESCE(sub.failed_cost, 0) * 60000 ELSE q.failed_ms * r.automated END,
        CASE WHEN n.counts THEN q.manual_cents * n.recorded_sixtieths ELSE 0 END,
        CASE WHEN NOT n.counts OR NOT f.count_creation THEN 0
            WHEN f.creation_once THEN COALESCE(first.creation_cost_60_as_recorded, 0) * 100
            ELSE q.creation_cents * n.recorded_sixtieths END,
        CASE WHEN NOT n.counts THEN 0 WHEN k.recorded_by_subscription THEN COALESCE(sub.cost_as_recorded, 0) * 6000000
            ELSE q.run_cent_ms END,
        CASE WHEN NOT n.counts OR f.successful_only THEN 0
            WHEN k.recorded_by_subscription THEN COALESCE(sub.failed_cost_as_recorded, 0) * 6000000
            ELSE q.failed_run_cent_ms END
    FROM marts.template_quantities(from_date, to_date, clusters, organizations, job_templates, projects, labels) q
    JOIN marts.current_rate r ON r.cluster_id = q.cluster_id AND r.organization_id = q.organization_id
    JOIN marts.dim_cluster k ON k.cluster_id = q.cluster_id
    LEFT JOIN marts.template_minutes t ON t.job_template_id = q.job_template_id AND t.valid_to = '9999-12-31'
    LEFT JOIN (
        SELECT s.*, x.creation_cost_60_as_recorded FROM marts.counted_first_run x
        JOIN marts.series s ON s.series_id = x.series_id
        JOIN marts.matching_workloads(clusters, organizations, job_templates, projects, labels) w ON w.workload_id = s.workload_id
        WHERE f.creation_once AND x.date BETWEEN from_date AND to_date OFFSET 0
    ) first ON first.job_template_id = q.job_template_id AND first.organization_id = q.organization_id
        AND first.cluster_id = q.cluster_id AND first.project_id = q.project_id
    LEFT JOIN (
        SELECT x.* FROM marts.subscription_cost(from_date, to_date, clusters, organizations, job_templates, projects, labels) x
        WHERE subscribed OFFSET 0
    ) sub ON sub.job_template_id = q.job_template_id AND sub.organization_id = q.organization_id
        AND sub.cluster_id = q.cluster_id AND sub.project_id = q.project_id
    CROSS JOIN LATERAL (
        SELECT t.job_template_id IS NOT NULL AS counts,
            6000 / k.recorded_divisor AS recorded_sixtieths
        OFFSET 0
    ) n
    CROSS JOIN LATERAL (
        SELECT CASE WHEN n.counts THEN q.counted_hosts * t.manual_minutes ELSE 0 END AS manual_minutes,
            CASE WHEN NOT n.counts OR NOT f.count_creation THEN 0
                WHEN f.creation_once THEN (first.series_id IS NOT NULL)::int * t.creation_minutes
                ELSE q.counted_runs * t.creation_minutes END AS creation_minutes
        OFFSET 0
    ) c;
END $$;

-- How many units of `currency` one unit of the configured currency is worth: the newest rate known on the day.
CREATE FUNCTION marts.conversion(currency TEXT, on_day DATE) RETURNS NUMERIC LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    own TEXT;
    factor NUMERIC;
BEGIN
    IF currency IS NULL THEN
        RETURN 1;
    END IF;
    SELECT f.currency INTO own FROM marts.formula f;
    IF upper(currency) = own THEN
        RETURN 1;
    END IF;
    SELECT CASE WHEN c.from_currency = own THEN c.rate ELSE 1 / c.rate END INTO factor
    FROM marts.currency_rate c
    WHERE c.rate_date <= on_day
      AND ((c.from_currency = own AND c.to_currency = upper(currency)) OR (c.from_currency = upper(currency) AND c.to_currency = own))
    ORDER BY c.rate_date DESC, (c.from_currency = own) DESC
    LIMIT 1;
    IF factor IS NULL THEN
        RAISE EXCEPTION 'No exchange rate from % to % is known on %: add one to common_currency_rate (aap-pipeline settings fx set).',
            own, upper(currency), on_day USING ERRCODE = 'no_data_found';
    END IF;
    RETURN factor;
END $$;

-- Jobs as the marts see them, and what they cost and save.

-- The rates of each period; a person is paid by the hour in either cost model, so that minutes times the price are exact.
CREATE VIEW rollup.price_period WITH (security_invoker = true) AS
    SELECT r.cluster_id, r.organization_id, r.valid_from, r.valid_to, r.manual, r.automated, r.hourly,
        CASE WHEN (SELECT f.subscription FROM marts.formula f) THEN r.hourly ELSE r.manual * 60 END::numeric(17,2) AS person_hour
    FROM marts.rate_period r;
CREATE VIEW marts.current_rate WITH (security_invoker = true) AS
    SELECT r.cluster_id, r.organization_id, r.manual, r.automated, r.hourly, r.person_hour
    FROM rollup.price_period r
    WHERE r.valid_from <= (SELECT marts.today()) AND r.valid_to > (SELECT marts.today());
-- Prices and minutes of each period beside those of today, with as many decimals as any quantity needs.
CREATE VIEW rollup.price WITH (security_invoker = true) AS
    SELECT d.cluster_id, d.organization_id, d.valid_from, d.valid_to, r.person_hour::numeric(42,24) / 60 AS person_minute,
        r.automated::numeric(42,24) / 60 AS run_second, d.person_hour::numeric(42,24) / 60 AS person_minute_as_recorded,
        d.automated::numeric(42,24) / 60 AS run_second_as_recorded
    FROM rollup.price_period d LEFT JOIN marts.current_rate r USING (cluster_id, organization_id)
    OFFSET 0;  -- divided once, not for each row that is joined
CREATE VIEW rollup.minutes WITH (security_invoker = true) AS
    SELECT e.job_template_id, e.valid_from, e.valid_to, t.manual_minutes, t.creation_minutes,
        e.manual_minutes AS manual_minutes_as_recorded, e.creation_minutes AS creation_minutes_as_recorded
    FROM marts.template_minutes e JOIN marts.template_minutes t ON t.job_template_id = e.job_template_id AND t.valid_to = '9999-12-31';

-- The price of a second of the run time that shares it, by month and population; as recorded, by the price of the month's first day. A
-- reader's share needs the whole platform's run time, so the view runs with its owner's rights, but shows only months with a price:
-- the costs of any run time disclose the whole then anyway.
CREATE VIEW rollup.population_month AS
    SELECT m.month, m.count_check_mode, m.successful_only, COALESCE(p.value, 0)::numeric(42,24) / m.elapsed_seconds AS run_second,
        COALESCE(r.value, 0)::numeric(42,24) / m.elapsed_seconds AS run_second_as_recorded
    FROM (
        SELECT s.month, k.count_check_mode, k.successful_only, sum(s.elapsed_seconds) AS elapsed_seconds
        FROM (
            SELECT month, job_type, status, elapsed_seconds FROM marts.savings_monthly UNION ALL
            SELECT date_trunc('month', date::timestamp)::date, job_type, status, elapsed_seconds FROM rollup.left_out_daily
        ) s
        JOIN rollup.population k ON k.slices_once  -- slices take their time either way
            AND (k.count_check_mode OR s.job_type <> 'check') AND (NOT k.successful_only OR s.status = 'successful')
        GROUP BY 1, 2, 3
        HAVING sum(s.elapsed_seconds) > 0
    ) m
    LEFT JOIN rollup.rate_span p ON p.rate_type = 'subscription'
        AND p.valid_from <= (SELECT marts.today()) AND p.valid_to > (SELECT marts.today())
    LEFT JOIN rollup.rate_span r ON r.rate_type = 'subscription' AND r.valid_from <= m.month AND r.valid_to > m.month
    WHERE p.value > 0 OR r.value > 0
    OFFSET 0;  -- computed once for the few months, not for each row that is joined
-- The same for the population in force.
CREATE VIEW rollup.counted_month AS
    SELECT m.month, m.run_second, m.run_second_as_recorded
    FROM marts.formula f JOIN rollup.population_month m USING (count_check_mode, successful_only)
    WHERE f.subscription
    OFFSET 0;

-- The runs on which a template's creation is booked once, for whichever organization they ran, under the settings in force.
CREATE VIEW rollup.counted_first_run WITH (security_invoker = true) AS
    SELECT r.job_template_id, r.job_type, r.status, r.job_id, r.date, r.cluster_id, r.organization_id, r.project_id, r.label_set_id,
        r.inventory_id, r.launch_type
    FROM rollup.first_run r JOIN marts.formula f USING (count_check_mode, successful_only, slices_once)
    WHERE f.count_creation AND f.creation_once;

-- The savings formula: quantities times minutes times prices. The creation minutes are booked with every run, or once with the first one.
-- An amount beyond 10^25 is stored as that: no currency has it, and no typing error in rates and minutes may stop a refresh.
CREATE FUNCTION rollup.costs(
    counts BOOLEAN, count_creation BOOLEAN, creation_once BOOLEAN, hosts BIGINT, runs BIGINT, first_runs BIGINT,
    elapsed NUMERIC, minutes_by_hand INTEGER, minutes_to_create INTEGER, person_minute NUMERIC, run_second NUMERIC
) RETURNS TABLE (
    manual_minutes BIGINT, creation_minutes BIGINT, manual_costs NUMERIC, creation_costs NUMERIC, run_costs NUMERIC,
    automated_costs NUMERIC, savings NUMERIC, time_savings_seconds NUMERIC
) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT m.manual, m.creation, c.manual, c.creation, c.run, c.creation + c.run, c.manual - c.creation - c.run,
        (m.manual - m.creation) * 60.0 - m.seconds
    FROM (
        SELECT CASE WHEN counts THEN hosts * minutes_by_hand ELSE 0 END AS manual,
            CASE WHEN counts AND count_creation
                THEN CASE WHEN creation_once THEN first_runs ELSE runs END * minutes_to_create ELSE 0 END AS creation,
            CASE WHEN counts THEN elapsed ELSE 0 END AS seconds
    ) m
    CROSS JOIN LATERAL (
        SELECT round(least(greatest(COALESCE(m.manual * person_minute, 0), -1e25), 1e25), 11) AS manual,
            round(least(greatest(COALESCE(m.creation * person_minute, 0), -1e25), 1e25), 11) AS creation,
            round(least(greatest(COALESCE(m.seconds * run_second, 0), -1e25), 1e25), 11) AS run
    ) c
$$;

-- The money of one row of facts or one job: by today's rates and minutes, and by those of its day. Inlined by the planner into the
-- statement that calls it, which joins prices, so that many rows are joined by hashing.
CREATE FUNCTION rollup.money(
    f marts.formula, p rollup.price, t rollup.minutes, s rollup.counted_month, with_status TEXT,
    hosts BIGINT, runs BIGINT, first_runs BIGINT, elapsed NUMERIC
) RETURNS SETOF rollup.money LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT n.manual_costs, n.creation_costs, n.run_costs, n.automated_costs, n.savings, n.time_savings_seconds,
        o.manual_costs, o.creation_costs, o.run_costs, o.automated_costs, o.savings, n.manual_minutes, n.creation_minutes
    FROM (SELECT t.job_template_id IS NOT NULL AND hosts > 0 AND (with_status = 'successful' OR NOT f.successful_only) AS counts) r
    CROSS JOIN LATERAL rollup.costs(
        r.counts, f.count_creation, f.creation_once, hosts, runs, first_runs, elapsed, t.manual_minutes, t.creation_minutes,
        p.person_minute, CASE WHEN f.subscription THEN s.run_second ELSE p.run_second END) n
    CROSS JOIN LATERAL rollup.costs(
        r.counts, f.count_creation, f.creation_once, hosts, runs, first_runs, elapsed, t.manual_minutes_as_recorded,
        t.creation_minutes_as_recorded, p.person_minute_as_recorded,
        CASE WHEN f.subscription THEN s.run_second_as_recorded ELSE p.run_second_as_recorded END) o
$$;

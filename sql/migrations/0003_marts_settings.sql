-- The settings of the savings formula; the formula itself is rollup.costs in 0003_marts_formula.sql. Triggers read the settings
-- as soon as any program changes them; each refresh reads them again.

CREATE TABLE marts.formula (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    count_creation BOOLEAN NOT NULL, creation_once BOOLEAN NOT NULL, subscription BOOLEAN NOT NULL, successful_only BOOLEAN NOT NULL,
    count_check_mode BOOLEAN NOT NULL, slices_once BOOLEAN NOT NULL,
    reporting_timezone TEXT NOT NULL, fiscal_year_start_month SMALLINT NOT NULL, hours_per_fte NUMERIC(10,3) NOT NULL,
    default_manual_minutes INTEGER NOT NULL, default_creation_minutes INTEGER NOT NULL, estimate_template_minutes BOOLEAN NOT NULL,
    currency VARCHAR(3), currency_symbol VARCHAR(10)
);

CREATE FUNCTION rollup.setting(name TEXT, fallback TEXT) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT trim(BOTH '"' FROM trim(value)) FROM public.common_settings WHERE type = name), fallback)
$$;

CREATE FUNCTION marts.today() RETURNS DATE LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (now() AT TIME ZONE reporting_timezone)::date FROM marts.formula
$$;

-- When a day begins. PostgreSQL takes a midnight that occurs twice for the second, where clocks go back past it (in the
-- Azores, in Havana), and then an instant before it is right; where the instant before is skipped, midnight is.
CREATE FUNCTION rollup.day_start(day DATE, zone TEXT) RETURNS TIMESTAMPTZ LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT least(day::timestamp AT TIME ZONE zone,
        (day::timestamp - interval '1 microsecond') AT TIME ZONE zone + interval '1 microsecond')
$$;

-- A value that a setting does not allow is refused by name, whoever writes it.
CREATE FUNCTION rollup.checked_setting(name TEXT, fallback TEXT, allowed TEXT[]) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT lower(found) FROM rollup.setting(name, fallback) AS found
    WHERE rollup.require(lower(found) = ANY (allowed), 'check_violation',
        format('Setting %s cannot be "%s": it must be one of %s.', name, found, array_to_string(allowed, ', ')))
$$;

CREATE FUNCTION rollup.checked_number(name TEXT, fallback TEXT, lowest NUMERIC, highest NUMERIC, whole BOOLEAN = FALSE)
RETURNS NUMERIC LANGUAGE sql STABLE AS $$
    SELECT n.number
    FROM rollup.setting(name, fallback) AS found
    CROSS JOIN LATERAL (SELECT CASE WHEN found ~ '^[+-]?[0-9]+([.][0-9]+)?$' THEN found::numeric END AS number) n
    WHERE rollup.require(COALESCE(n.number BETWEEN lowest AND highest AND NOT (whole AND n.number <> trunc(n.number)), FALSE),
        'check_violation', format('Setting %s cannot be "%s": it must be a%s number from %s to %s.', name, found,
            CASE WHEN whole THEN ' whole' END, lowest, highest))
$$;

CREATE FUNCTION rollup.read_formula() RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    old marts.formula := (SELECT f FROM marts.formula f);
    new marts.formula;
    switch CONSTANT TEXT[] := ARRAY['true', 'false', 'on', 'off', 'yes', 'no', '1', '0'];
BEGIN
    new.only_row := TRUE;
    new.count_creation := rollup.checked_setting('enable_template_creation_time', 'true', switch)::boolean;
    new.count_check_mode := rollup.checked_setting('count_check_mode', 'true', switch)::boolean;
    new.slices_once := rollup.checked_setting('count_slices', 'each', ARRAY['each', 'once']) = 'once';
    new.estimate_template_minutes := rollup.checked_setting('estimate_template_minutes', 'false', switch)::boolean;
    new.creation_once := rollup.checked_setting('creation_cost_basis', 'per_run', ARRAY['per_run', 'once']) = 'once';
    new.subscription := rollup.checked_setting('cost_model', 'per_minute', ARRAY['per_minute', 'subscription']) = 'subscription';
    new.successful_only := rollup.checked_setting('savings_population', 'all', ARRAY['all', 'successful_only']) = 'successful_only';
    new.reporting_timezone := rollup.setting('reporting_timezone', 'UTC');
    -- The view reads every zone's file: only where the zone is another.
    PERFORM rollup.require(old.reporting_timezone IS NOT DISTINCT FROM new.reporting_timezone
        OR EXISTS (SELECT FROM pg_catalog.pg_timezone_names z WHERE lower(z.name) = lower(new.reporting_timezone)), 'check_violation',
        format('Setting reporting_timezone cannot be "%s": it must be a name of pg_timezone_names.', new.reporting_timezone));
    new.fiscal_year_start_month := rollup.checked_number('fiscal_year_start_month', '1', 1, 12, TRUE);
    new.hours_per_fte := rollup.checked_number('hours_per_fte', '1720', 1, 8784);
    new.default_manual_minutes := rollup.checked_number('default_manual_minutes', '60', 0, 2147483647, TRUE);
    new.default_creation_minutes := rollup.checked_number('default_creation_minutes', '60', 0, 2147483647, TRUE);
    SELECT iso_code, symbol INTO new.currency, new.currency_symbol
        FROM public.common_currency WHERE id::text = rollup.setting('currency', '1');
    -- Settings may be stored before the currencies, as the specification's statements do.
    PERFORM rollup.require(new.currency IS NOT NULL OR NOT EXISTS (SELECT FROM public.common_currency), 'check_violation',
        format('Setting currency cannot be "%s": it must be the id of a row of common_currency.', rollup.setting('currency', '1')));
    -- These were settings before they had a history: ignored in silence, they would be taken to hold.
    PERFORM rollup.require(NOT EXISTS (SELECT FROM public.common_settings WHERE type IN ('hourly_rate', 'subscription_monthly_price')),
        'check_violation', 'hourly_rate and subscription_monthly_price are no settings but rates with a history: '
            'set them with aap-pipeline costs set hourly or subscription, or with marts.set_rate.');
    IF old IS NOT DISTINCT FROM new THEN
        RETURN;
    END IF;
    -- Batches of core note the days of the zone that they found: none may commit after the notes below.
    PERFORM pg_advisory_xact_lock(6381059, -2) WHERE old.reporting_timezone <> new.reporting_timezone;
    DELETE FROM marts.formula;
    EXECUTE format('INSERT INTO marts.formula (%s) SELECT %s', rollup.columns('marts.formula'), rollup.columns('marts.formula', '$1.%1$I')) USING new;
    -- These decide which rows there are, and on which day: all days change.
    IF (old.reporting_timezone, old.count_check_mode, old.slices_once)
        <> (new.reporting_timezone, new.count_check_mode, new.slices_once) THEN
        INSERT INTO pipeline.changed_day (cluster_id) SELECT id FROM public.clusters_cluster;
    ELSIF (old.subscription, old.count_creation, old.creation_once, old.successful_only)
        <> (new.subscription, new.count_creation, new.creation_once, new.successful_only) THEN
        INSERT INTO pipeline.changed_rate (cluster_id) SELECT id FROM public.clusters_cluster;
    END IF;
    PERFORM rollup.fill_dates(NULL, NULL, TRUE) WHERE old.fiscal_year_start_month <> new.fiscal_year_start_month;
END $$;

-- Adds the months from..to, and those between them and others, to dim_date; with `again`, writes what it holds anew.
CREATE FUNCTION rollup.fill_dates(first DATE, last DATE, again BOOLEAN = FALSE) RETURNS VOID LANGUAGE sql AS $$
    INSERT INTO marts.dim_date (date, year, quarter, month, day, year_month, month_start, month_name, iso_year, iso_week, iso_year_week,
        week_start, weekday, weekday_name, is_weekend, fiscal_year, fiscal_quarter, fiscal_month)
    SELECT d, extract(year FROM d), extract(quarter FROM d), extract(month FROM d), extract(day FROM d),
        to_char(d, 'YYYY-MM'), date_trunc('month', d)::date, to_char(d, 'FMMonth'),
        extract(isoyear FROM d), extract(week FROM d), to_char(d, 'IYYY-"W"IW'), date_trunc('week', d)::date,
        extract(isodow FROM d), to_char(d, 'FMDay'), extract(isodow FROM d) > 5,
        -- Named by the calendar year in which it ends, as most companies do.
        extract(year FROM d) + (f.fiscal_year_start_month > 1 AND extract(month FROM d) >= f.fiscal_year_start_month)::int,
        (extract(month FROM d)::int - f.fiscal_year_start_month + 12) % 12 / 3 + 1,
        (extract(month FROM d)::int - f.fiscal_year_start_month + 12) % 12 + 1
    FROM (SELECT least(first, min(date)) AS first, greatest(last, max(date)) AS last FROM marts.dim_date) r
    CROSS JOIN generate_series(date_trunc('month', r.first::timestamp), date_trunc('month', r.last::timestamp) + interval '1 month - 1 day',
        '1 day') AS d
    CROSS JOIN marts.formula f
    WHERE again OR NOT EXISTS (SELECT FROM marts.dim_date x WHERE x.date = d::date)
    ON CONFLICT (date) DO UPDATE SET fiscal_year = excluded.fiscal_year, fiscal_quarter = excluded.fiscal_quarter,
        fiscal_month = excluded.fiscal_month WHERE again
$$;

SELECT rollup.read_formula();
-- Autovacuum never looks at one row; without statistics PostgreSQL assumes 550, and JIT compiles each view for seconds.
ANALYZE marts.formula;

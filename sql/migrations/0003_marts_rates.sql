-- The formula in force, and the history of rates and of job templates' minutes, all kept by triggers: whoever changes
-- common_settings, clusters_costs or clusters_jobtemplate, with whatever program, is followed.

-- One row: the settings that the savings obey, decoded once instead of by every query.
CREATE TABLE marts.formula (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    count_creation BOOLEAN NOT NULL,
    creation_once BOOLEAN NOT NULL,
    subscription BOOLEAN NOT NULL,
    successful_only BOOLEAN NOT NULL,
    count_check_mode BOOLEAN NOT NULL,
    reporting_timezone TEXT NOT NULL,
    fiscal_year_start_month SMALLINT NOT NULL CHECK (fiscal_year_start_month BETWEEN 1 AND 12),
    hours_per_fte NUMERIC NOT NULL CHECK (hours_per_fte > 0),
    hourly_rate NUMERIC NOT NULL,
    subscription_monthly_price NUMERIC NOT NULL,
    default_manual_minutes INTEGER NOT NULL,
    default_creation_minutes INTEGER NOT NULL,
    estimate_template_minutes BOOLEAN NOT NULL,
    currency VARCHAR(3),
    currency_symbol VARCHAR(10)
);

-- What was set, for whom (0: everyone) and from when; a value of NULL ends an override.
CREATE TABLE marts.rate_history (
    rate_type VARCHAR(20) NOT NULL CHECK (rate_type IN ('manual', 'automated')),
    cluster_id INTEGER NOT NULL DEFAULT 0,
    organization_id INTEGER NOT NULL DEFAULT 0,
    valid_from DATE NOT NULL,
    value NUMERIC(15,2) CHECK (value BETWEEN 0 AND 100000),
    set_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    set_by TEXT NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (rate_type, cluster_id, organization_id, valid_from)
);
-- The same, resolved: for each organization of each cluster (0: none), the rates of each period, without overlaps.
CREATE TABLE marts.rate_period (
    cluster_id INTEGER NOT NULL REFERENCES public.clusters_cluster(id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NOT NULL,
    manual NUMERIC(15,2) NOT NULL,
    automated NUMERIC(15,2) NOT NULL,
    PRIMARY KEY (cluster_id, organization_id, valid_from)
);
CREATE TABLE marts.template_minutes (
    job_template_id INTEGER NOT NULL REFERENCES public.clusters_jobtemplate(id) ON DELETE CASCADE,
    valid_from DATE NOT NULL,
    valid_to DATE NOT NULL,
    manual_minutes INTEGER NOT NULL,
    creation_minutes INTEGER NOT NULL,
    source VARCHAR(10) NOT NULL CHECK (source IN ('default', 'estimated', 'set')),
    PRIMARY KEY (job_template_id, valid_to)
);

CREATE FUNCTION marts.setting(name TEXT, fallback TEXT) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT trim(BOTH '"' FROM trim(value)) FROM public.common_settings WHERE type = name), fallback)
$$;

CREATE FUNCTION marts.today() RETURNS DATE LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (now() AT TIME ZONE reporting_timezone)::date FROM marts.formula
$$;

-- When a day begins. PostgreSQL takes a midnight that occurs twice for the second, where clocks go back past it (in the
-- Azores, in Havana), and then an instant before it is right; where the instant before is skipped, midnight is.
CREATE FUNCTION marts.day_start(day DATE, zone TEXT) RETURNS TIMESTAMPTZ LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT least(day::timestamp AT TIME ZONE zone,
        (day::timestamp - interval '1 microsecond') AT TIME ZONE zone + interval '1 microsecond')
$$;

-- A value that a setting does not allow is refused by name, whoever writes it.
CREATE FUNCTION marts.checked_setting(name TEXT, fallback TEXT, allowed TEXT[]) RETURNS TEXT LANGUAGE plpgsql STABLE AS $$
DECLARE
    found TEXT := marts.setting(name, fallback);
BEGIN
    IF lower(found) <> ALL (allowed) THEN
        RAISE EXCEPTION 'Setting % cannot be "%": it must be one of %.', name, found, array_to_string(allowed, ', ')
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN lower(found);
END $$;

CREATE FUNCTION marts.checked_number(name TEXT, fallback TEXT, lowest NUMERIC, highest NUMERIC, whole BOOLEAN = FALSE)
RETURNS NUMERIC LANGUAGE plpgsql STABLE AS $$
DECLARE
    found TEXT := marts.setting(name, fallback);
    number NUMERIC;
BEGIN
    BEGIN
        number := found::numeric;
    EXCEPTION WHEN data_exception THEN NULL;
    END;
    IF number BETWEEN lowest AND highest AND NOT (whole AND number <> trunc(number)) THEN
        RETURN number;
    END IF;
    RAISE EXCEPTION 'Setting % cannot be "%": it must be a% number from % to %.', name, found,
        CASE WHEN whole THEN ' whole' ELSE '' END, lowest, highest USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION marts.read_formula() RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    old marts.formula;
    new marts.formula;
    switch CONSTANT TEXT[] := ARRAY['true', 'false', 'on', 'off', 'yes', 'no', '1', '0'];
BEGIN
    SELECT * INTO old FROM marts.formula;
    new.only_row := TRUE;
    new.count_creation := marts.checked_setting('enable_template_creation_time', 'true', switch)::boolean;
    new.count_check_mode := marts.checked_setting('count_check_mode', 'true', switch)::boolean;
    new.estimate_template_minutes := marts.checked_setting('estimate_template_minutes', 'false', switch)::boolean;
    new.creation_once := marts.checked_setting('creation_cost_basis', 'per_run', ARRAY['per_run', 'once']) = 'once';
    new.subscription :=
        marts.checked_setting('cost_model', 'per_minute', ARRAY['per_minute', 'subscription']) = 'subscription';
    new.successful_only :=
        marts.checked_setting('savings_population', 'all', ARRAY['all', 'successful_only']) = 'successful_only';
    new.reporting_timezone := marts.setting('reporting_timezone', 'UTC');
    -- The view reads every zone's file: only where the zone is another.
    IF old.reporting_timezone IS DISTINCT FROM new.reporting_timezone
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_timezone_names z WHERE lower(z.name) = lower(new.reporting_timezone)) THEN
        RAISE EXCEPTION 'Setting reporting_timezone cannot be "%": it must be a name of pg_timezone_names.',
            new.reporting_timezone USING ERRCODE = 'check_violation';
    END IF;
    new.fiscal_year_start_month := marts.checked_number('fiscal_year_start_month', '1', 1, 12, TRUE);
    new.hours_per_fte := marts.checked_number('hours_per_fte', '1720', 1, 8784);
    new.hourly_rate := marts.checked_number('hourly_rate', '0', 0, 1000000000);
    new.subscription_monthly_price := marts.checked_number('subscription_monthly_price', '0', 0, 1000000000000);
    new.default_manual_minutes := marts.checked_number('default_manual_minutes', '60', 1, 1000000, TRUE);
    new.default_creation_minutes := marts.checked_number('default_creation_minutes', '60', 1, 1000000, TRUE);
    SELECT iso_code, symbol INTO new.currency, new.currency_symbol
        FROM public.common_currency WHERE id::text = marts.setting('currency', '1');
    -- Settings may be stored before the currencies, as the specification's statements do.
    IF new.currency IS NULL AND EXISTS (SELECT FROM public.common_currency) THEN
        RAISE EXCEPTION 'Setting currency cannot be "%": it must be the id of a row of common_currency.',
            marts.setting('currency', '1') USING ERRCODE = 'check_violation';
    END IF;
    IF old IS NOT DISTINCT FROM new THEN
        RETURN;
    END IF;
    DELETE FROM marts.formula;
    INSERT INTO marts.formula SELECT (new).*;
    IF old.reporting_timezone <> new.reporting_timezone THEN
        INSERT INTO pipeline.rebuild_due (cluster_id, reason)
            SELECT id, 'reporting_timezone is now ' || new.reporting_timezone FROM public.clusters_cluster;
    END IF;
    IF old.fiscal_year_start_month <> new.fiscal_year_start_month THEN
        PERFORM marts.fill_dates(min(date), max(date), TRUE) FROM marts.dim_date;
    END IF;
END $$;

-- Adds the days from..to to dim_date; with `again`, writes those that it holds anew.
CREATE FUNCTION marts.fill_dates(first DATE, last DATE, again BOOLEAN = FALSE) RETURNS VOID LANGUAGE sql AS $$
    INSERT INTO marts.dim_date
    SELECT d, extract(year FROM d), extract(quarter FROM d), extract(month FROM d), extract(day FROM d),
        to_char(d, 'YYYY-MM'), date_trunc('month', d)::date, to_char(d, 'FMMonth'),
        extract(isoyear FROM d), extract(week FROM d), to_char(d, 'IYYY-"W"IW'), date_trunc('week', d)::date,
        extract(isodow FROM d), to_char(d, 'FMDay'), extract(isodow FROM d) > 5,
        -- Named by the calendar year in which it ends, as most companies do.
        extract(year FROM d) + (f.fiscal_year_start_month > 1 AND extract(month FROM d) >= f.fiscal_year_start_month)::int,
        (extract(month FROM d)::int - f.fiscal_year_start_month + 12) % 12 / 3 + 1,
        (extract(month FROM d)::int - f.fiscal_year_start_month + 12) % 12 + 1
    FROM generate_series(first::timestamp, last::timestamp, '1 day') AS d, marts.formula f
    WHERE again OR NOT EXISTS (SELECT FROM marts.dim_date x WHERE x.date = d::date)
    ON CONFLICT (date) DO UPDATE SET fiscal_year = excluded.fiscal_year, fiscal_quarter = excluded.fiscal_quarter,
        fiscal_month = excluded.fiscal_month WHERE again
$$;

CREATE FUNCTION marts.formula_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM marts.read_formula();
    RETURN NULL;
END $$;

SELECT marts.read_formula();

CREATE TRIGGER marts_formula AFTER INSERT OR UPDATE OR DELETE ON public.common_settings
    FOR EACH STATEMENT EXECUTE FUNCTION marts.formula_changed();
CREATE TRIGGER marts_formula AFTER INSERT OR UPDATE OR DELETE ON public.common_currency
    FOR EACH STATEMENT EXECUTE FUNCTION marts.formula_changed();


-- The organization's own rate comes before the cluster's, that before everyone's.
CREATE FUNCTION marts.rate_on(of_type TEXT, in_cluster INTEGER, in_organization INTEGER, day DATE)
RETURNS NUMERIC LANGUAGE sql STABLE AS $$
    SELECT newest.value
    FROM (
        SELECT DISTINCT ON (organization_id, cluster_id) organization_id, cluster_id, value
        FROM marts.rate_history
        WHERE rate_type = of_type AND valid_from <= day
          AND cluster_id IN (0, in_cluster) AND organization_id IN (0, in_organization)
        ORDER BY organization_id, cluster_id, valid_from DESC
    ) newest
    WHERE newest.value IS NOT NULL
    ORDER BY organization_id DESC, cluster_id DESC
    LIMIT 1
$$;

-- The rates of every period for the organizations (0: none) of the clusters asked for (NULL: all).
CREATE FUNCTION marts.resolved_rates(for_cluster INTEGER, for_organization INTEGER)
RETURNS SETOF marts.rate_period LANGUAGE sql STABLE AS $$
    WITH place AS (
        SELECT id AS cluster_id, 0 AS organization_id FROM public.clusters_cluster
        UNION ALL
        SELECT cluster_id, id FROM public.clusters_organization WHERE cluster_id IS NOT NULL
    ), wanted AS (
        SELECT * FROM place
        WHERE (for_cluster IS NULL OR cluster_id = for_cluster)
          AND (for_organization IS NULL OR organization_id = for_organization)
    ), period AS (
        SELECT w.*, h.valid_from,
            lead(h.valid_from, 1, DATE '9999-12-31') OVER (PARTITION BY w.cluster_id, w.organization_id ORDER BY h.valid_from)
                AS valid_to
        FROM wanted w
        CROSS JOIN LATERAL (
            SELECT DISTINCT valid_from FROM marts.rate_history
            WHERE cluster_id IN (0, w.cluster_id) AND organization_id IN (0, w.organization_id)
        ) h
    )
    SELECT p.cluster_id, p.organization_id, p.valid_from, p.valid_to,
        COALESCE(marts.rate_on('manual', p.cluster_id, p.organization_id, p.valid_from), 0),
        COALESCE(marts.rate_on('automated', p.cluster_id, p.organization_id, p.valid_from), 0)
    FROM period p
$$;

-- Core adds organizations under the shared lock, a change of rates takes it alone: neither misses the other's rows.
CREATE FUNCTION marts.rates_of_new_place() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(6381059, -1);
    IF TG_TABLE_NAME = 'clusters_cluster' THEN
        INSERT INTO marts.rate_period SELECT * FROM marts.resolved_rates(NEW.id, 0) ON CONFLICT DO NOTHING;
    ELSIF NEW.cluster_id IS NOT NULL THEN
        INSERT INTO marts.rate_period SELECT * FROM marts.resolved_rates(NEW.cluster_id, NEW.id) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION marts.set_rate(
    of_type TEXT, new_value NUMERIC, starting DATE, in_cluster INTEGER = 0, in_organization INTEGER = 0
) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(6381059, -1);
    INSERT INTO marts.rate_history (rate_type, cluster_id, organization_id, valid_from, value)
        VALUES (of_type, in_cluster, in_organization, starting, new_value)
        ON CONFLICT (rate_type, cluster_id, organization_id, valid_from)
        DO UPDATE SET value = excluded.value, set_at = now(), set_by = CURRENT_USER;
    DELETE FROM marts.rate_period WHERE in_cluster IN (0, cluster_id);
    INSERT INTO marts.rate_period SELECT * FROM marts.resolved_rates(NULLIF(in_cluster, 0), NULL);
    INSERT INTO pipeline.changed_rate (cluster_id, valid_from)
        SELECT id, starting FROM public.clusters_cluster WHERE in_cluster IN (0, id);
END $$;

CREATE FUNCTION marts.costs_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.type NOT IN ('manual', 'automated') THEN
        RAISE EXCEPTION 'There is no rate "%": the rates are manual and automated.', NEW.type
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.value IS NULL OR NEW.value NOT BETWEEN 0 AND 100000 THEN
        RAISE EXCEPTION 'The % rate cannot be %: it must be between 0 and 100000 a minute.', NEW.type, NEW.value
            USING ERRCODE = 'check_violation';
    END IF;
    -- A rate that history already says holds today came from there: nothing to note.
    IF COALESCE(marts.rate_on(NEW.type, 0, 0, marts.today()), -1) <> NEW.value THEN
        PERFORM marts.set_rate(NEW.type, NEW.value,
            CASE WHEN EXISTS (SELECT FROM marts.rate_history WHERE rate_type = NEW.type AND cluster_id = 0)
                THEN marts.today() ELSE DATE '0001-01-01' END);
    END IF;
    RETURN NULL;
END $$;

INSERT INTO marts.rate_history (rate_type, valid_from, value)
    SELECT type, '0001-01-01', COALESCE(value, 0) FROM public.clusters_costs WHERE type IN ('manual', 'automated');
INSERT INTO marts.rate_period SELECT * FROM marts.resolved_rates(NULL, NULL);
CREATE TRIGGER marts_rates AFTER INSERT OR UPDATE OF value, type ON public.clusters_costs
    FOR EACH ROW EXECUTE FUNCTION marts.costs_changed();
CREATE TRIGGER marts_rates AFTER INSERT ON public.clusters_cluster
    FOR EACH ROW EXECUTE FUNCTION marts.rates_of_new_place();
CREATE TRIGGER marts_rates AFTER INSERT OR UPDATE OF cluster_id ON public.clusters_organization
    FOR EACH ROW EXECUTE FUNCTION marts.rates_of_new_place();


-- Minutes are never unknown: NULL becomes the default minutes of the settings. Bad ones are refused by name, as rates are.
CREATE FUNCTION marts.default_minutes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    formula marts.formula;
BEGIN
    SELECT * INTO formula FROM marts.formula;
    IF NEW.time_taken_manually_execute_minutes IS NULL THEN
        NEW.time_taken_manually_execute_minutes := formula.default_manual_minutes;
    END IF;
    IF NEW.time_taken_create_automation_minutes IS NULL THEN
        NEW.time_taken_create_automation_minutes := formula.default_creation_minutes;
    END IF;
    IF NEW.time_taken_manually_execute_minutes NOT BETWEEN 1 AND 1000000
        OR NEW.time_taken_create_automation_minutes NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION 'The minutes of job template "%" cannot be % by hand and % to create: they must be between 1 and 1000000.',
            NEW.name, NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION marts.minutes_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starting DATE := marts.today();
    origin TEXT := COALESCE(NULLIF(current_setting('marts.minutes_source', TRUE), ''), 'set');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO marts.template_minutes VALUES (NEW.id, '0001-01-01', '9999-12-31',
            NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes, 'default');
        RETURN NULL;
    END IF;
    -- An estimate replaces the default from the beginning: nobody had said anything before it.
    IF origin = 'estimated' THEN
        UPDATE marts.template_minutes SET manual_minutes = NEW.time_taken_manually_execute_minutes, source = origin
            WHERE job_template_id = NEW.id;
        INSERT INTO pipeline.changed_rate (cluster_id, valid_from) VALUES (NEW.cluster_id, '0001-01-01');
        RETURN NULL;
    END IF;
    IF (NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes)
        IS NOT DISTINCT FROM (OLD.time_taken_manually_execute_minutes, OLD.time_taken_create_automation_minutes) THEN
        RETURN NULL;
    END IF;
    -- Where the manual minutes come from does not change with those of the creation.
    IF NEW.time_taken_manually_execute_minutes = OLD.time_taken_manually_execute_minutes THEN
        SELECT source INTO origin FROM marts.template_minutes WHERE job_template_id = NEW.id AND valid_to = '9999-12-31';
    END IF;
    UPDATE marts.template_minutes SET valid_to = starting
        WHERE job_template_id = NEW.id AND valid_to = '9999-12-31' AND valid_from < starting;
    DELETE FROM marts.template_minutes WHERE job_template_id = NEW.id AND valid_from >= starting;
    INSERT INTO marts.template_minutes VALUES (NEW.id, starting, '9999-12-31',
        NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes, origin);
    INSERT INTO pipeline.changed_rate (cluster_id, valid_from) VALUES (NEW.cluster_id, starting);
    RETURN NULL;
END $$;

CREATE TRIGGER marts_default_minutes
    BEFORE INSERT OR UPDATE OF time_taken_manually_execute_minutes, time_taken_create_automation_minutes
    ON public.clusters_jobtemplate FOR EACH ROW EXECUTE FUNCTION marts.default_minutes();
CREATE TRIGGER marts_minutes
    AFTER INSERT OR UPDATE OF time_taken_manually_execute_minutes, time_taken_create_automation_minutes
    ON public.clusters_jobtemplate FOR EACH ROW EXECUTE FUNCTION marts.minutes_changed();
INSERT INTO marts.template_minutes
    SELECT id, '0001-01-01', '9999-12-31', COALESCE(time_taken_manually_execute_minutes, 60),
        COALESCE(time_taken_create_automation_minutes, 60), 'default'
    FROM public.clusters_jobtemplate;

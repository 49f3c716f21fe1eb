-- The history of rates and of job templates' minutes, kept by triggers too: whoever changes clusters_costs or
-- clusters_jobtemplate, with whatever program, is followed.

-- What was set, for whom (0: everyone) and from when; a value of NULL ends an override. manual and automated are a minute's,
-- hourly is a person's hour and subscription the platform's month under cost_model subscription.
CREATE TABLE marts.rate_history (
    rate_type VARCHAR(20) NOT NULL CHECK (rate_type IN ('manual', 'automated', 'hourly', 'subscription')),
    cluster_id INTEGER NOT NULL DEFAULT 0,
    organization_id INTEGER NOT NULL DEFAULT 0,
    valid_from DATE NOT NULL,
    value NUMERIC(15,2),
    set_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    set_by TEXT NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (rate_type, cluster_id, organization_id, valid_from),
    CHECK (rate_type <> 'subscription' OR (cluster_id = 0 AND organization_id = 0))
);
-- The same, resolved: for each organization of each cluster (0: none), the rates of each period, without overlaps.
CREATE TABLE marts.rate_period (
    cluster_id INTEGER NOT NULL REFERENCES public.clusters_cluster(id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NOT NULL,
    manual NUMERIC(15,2) NOT NULL,
    automated NUMERIC(15,2) NOT NULL,
    hourly NUMERIC(15,2) NOT NULL,
    -- What each day's rows are multiplied by: several times as fast as numeric.
    manual_cents BIGINT GENERATED ALWAYS AS ((manual * 100)::bigint) STORED,
    automated_cents BIGINT GENERATED ALWAYS AS ((automated * 100)::bigint) STORED,
    hourly_cents BIGINT GENERATED ALWAYS AS ((hourly * 100)::bigint) STORED,
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
RETURNS TABLE (
    cluster_id INTEGER, organization_id INTEGER, valid_from DATE, valid_to DATE, manual NUMERIC, automated NUMERIC, hourly NUMERIC
) LANGUAGE sql STABLE AS $$
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
            WHERE rate_type <> 'subscription' AND cluster_id IN (0, w.cluster_id) AND organization_id IN (0, w.organization_id)
        ) h
    )
    SELECT p.cluster_id, p.organization_id, p.valid_from, p.valid_to,
        COALESCE(marts.rate_on('manual', p.cluster_id, p.organization_id, p.valid_from), 0),
        COALESCE(marts.rate_on('automated', p.cluster_id, p.organization_id, p.valid_from), 0),
        COALESCE(marts.rate_on('hourly', p.cluster_id, p.organization_id, p.valid_from), 0)
    FROM period p
$$;

-- Core adds organizations under the shared lock, a change of rates takes it alone: neither misses the other's rows.
CREATE FUNCTION marts.rates_of_new_place() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(6381059, -1);
    IF TG_TABLE_NAME = 'clusters_cluster' THEN
        INSERT INTO marts.rate_period (cluster_id, organization_id, valid_from, valid_to, manual, automated, hourly)
            SELECT * FROM marts.resolved_rates(NEW.id, 0) ON CONFLICT DO NOTHING;
    ELSIF NEW.cluster_id IS NOT NULL THEN
        INSERT INTO marts.rate_period (cluster_id, organization_id, valid_from, valid_to, manual, automated, hourly)
            SELECT * FROM marts.resolved_rates(NEW.cluster_id, NEW.id) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

-- Without a day, a rate holds from today; everyone's first one always, for nothing was said of the time before it.
CREATE FUNCTION marts.set_rate(
    of_type TEXT, new_value NUMERIC, starting DATE = NULL, in_cluster INTEGER = 0, in_organization INTEGER = 0
) RETURNS DATE LANGUAGE plpgsql AS $$
BEGIN
    IF of_type NOT IN ('manual', 'automated', 'hourly', 'subscription') THEN
        RAISE EXCEPTION 'There is no rate "%": the rates are manual, automated, hourly and subscription.', of_type
            USING ERRCODE = 'check_violation';
    END IF;
    IF of_type = 'subscription' AND (in_cluster, in_organization) <> (0, 0) THEN
        RAISE EXCEPTION 'The subscription rate is everyone''s: no cluster or organization has one of its own.'
            USING ERRCODE = 'check_violation';
    END IF;
    -- What a column DECIMAL(15,2) takes, but for NaN: it would be in every sum.
    IF NOT COALESCE(abs(new_value) < 1e13 AND new_value = round(new_value, 2), (in_cluster, in_organization) <> (0, 0)) THEN
        RAISE EXCEPTION 'The % rate cannot be %: it must be a number of two decimal places below 10000000000000.',
            of_type, new_value USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(6381059, -1);
    starting := COALESCE(starting, CASE WHEN (in_cluster, in_organization) <> (0, 0)
            OR EXISTS (SELECT FROM marts.rate_history h WHERE (h.rate_type, h.cluster_id, h.organization_id) = (of_type, 0, 0))
        THEN marts.today() ELSE DATE '0001-01-01' END);
    INSERT INTO marts.rate_history (rate_type, cluster_id, organization_id, valid_from, value)
        VALUES (of_type, in_cluster, in_organization, starting, new_value)
        ON CONFLICT (rate_type, cluster_id, organization_id, valid_from)
        DO UPDATE SET value = excluded.value, set_at = now(), set_by = CURRENT_USER;
    -- Nothing is stored of what a subscription costs: each month's share follows its price when it is read.
    IF of_type <> 'subscription' THEN
        DELETE FROM marts.rate_period WHERE in_cluster IN (0, cluster_id);
        INSERT INTO marts.rate_period (cluster_id, organization_id, valid_from, valid_to, manual, automated, hourly)
            SELECT * FROM marts.resolved_rates(NULLIF(in_cluster, 0), NULL);
        INSERT INTO pipeline.changed_rate (cluster_id, valid_from)
            SELECT id, starting FROM public.clusters_cluster WHERE in_cluster IN (0, id);
    END IF;
    RETURN starting;
END $$;

CREATE FUNCTION marts.costs_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.type NOT IN ('manual', 'automated') THEN
        RAISE EXCEPTION 'There is no rate "%" in clusters_costs: it holds manual and automated, marts.set_rate sets the others.', NEW.type
            USING ERRCODE = 'check_violation';
    END IF;
    -- A rate that history already says holds today came from there: nothing to note.
    IF COALESCE(NEW.value, 0) IS DISTINCT FROM marts.rate_on(NEW.type, 0, 0, marts.today()) THEN
        PERFORM marts.set_rate(NEW.type, COALESCE(NEW.value, 0));
    END IF;
    RETURN NULL;
END $$;

INSERT INTO marts.rate_history (rate_type, valid_from, value)
    SELECT type, '0001-01-01', COALESCE(value, 0) FROM public.clusters_costs WHERE type IN ('manual', 'automated');
INSERT INTO marts.rate_period (cluster_id, organization_id, valid_from, valid_to, manual, automated, hourly)
    SELECT * FROM marts.resolved_rates(NULL, NULL);
CREATE TRIGGER marts_rates AFTER INSERT OR UPDATE OF value, type ON public.clusters_costs
    FOR EACH ROW EXECUTE FUNCTION marts.costs_changed();
-- rate_history refers to clusters and organizations by ids that may be 0: no foreign key can do this.
CREATE FUNCTION marts.rates_of_gone_place() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'clusters_cluster' THEN
        DELETE FROM marts.rate_history WHERE cluster_id = OLD.id;
    ELSE
        DELETE FROM marts.rate_history WHERE organization_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER marts_gone_rates AFTER DELETE ON public.clusters_cluster
    FOR EACH ROW EXECUTE FUNCTION marts.rates_of_gone_place();
CREATE TRIGGER marts_gone_rates AFTER DELETE ON public.clusters_organization
    FOR EACH ROW EXECUTE FUNCTION marts.rates_of_gone_place();
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
    IF least(NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes) < 0 THEN
        RAISE EXCEPTION 'The minutes of job template "%" cannot be % by hand and % to create: they must not be below 0.',
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
    -- Today may be before the newest period: a time zone further west is in the day before.
    DELETE FROM marts.template_minutes WHERE job_template_id = NEW.id AND valid_from >= starting;
    UPDATE marts.template_minutes SET valid_to = starting WHERE job_template_id = NEW.id AND valid_to > starting;
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

-- The history of rates and of job templates' minutes. Triggers note changes of clusters_costs and clusters_jobtemplate as soon as any
-- program makes them; each refresh compares again (rollup.read_sources), so that no figure depends on a trigger having fired.

CREATE TABLE marts.rate_history (
    rate_type VARCHAR(20) NOT NULL CHECK (rate_type IN ('manual', 'automated', 'hourly', 'subscription')),
    cluster_id INTEGER NOT NULL DEFAULT 0, organization_id INTEGER NOT NULL DEFAULT 0,
    valid_from DATE NOT NULL, value NUMERIC(15,2),
    set_at TIMESTAMPTZ NOT NULL DEFAULT NOW(), set_by TEXT NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (rate_type, cluster_id, organization_id, valid_from),
    CHECK (rate_type <> 'subscription' OR (cluster_id = 0 AND organization_id = 0))
);
CREATE TABLE marts.rate_period (
    cluster_id INTEGER NOT NULL REFERENCES public.clusters_cluster(id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL, valid_from DATE NOT NULL, valid_to DATE NOT NULL,
    manual NUMERIC(15,2) NOT NULL, automated NUMERIC(15,2) NOT NULL, hourly NUMERIC(15,2) NOT NULL,
    PRIMARY KEY (cluster_id, organization_id, valid_from)
);
CREATE TABLE marts.template_minutes (
    job_template_id INTEGER NOT NULL REFERENCES public.clusters_jobtemplate(id) ON DELETE CASCADE,
    valid_from DATE NOT NULL, valid_to DATE NOT NULL, manual_minutes INTEGER NOT NULL, creation_minutes INTEGER NOT NULL,
    source VARCHAR(10) NOT NULL CHECK (source IN ('default', 'estimated', 'set')), excluded BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (job_template_id, valid_to)
);

-- Each rate with the days on which it holds: until the next one that is set for the same.
CREATE VIEW rollup.rate_span WITH (security_invoker = true) AS
    SELECT rate_type, cluster_id, organization_id, valid_from, value,
        lead(valid_from, 1, DATE '9999-12-31') OVER (PARTITION BY rate_type, cluster_id, organization_id ORDER BY valid_from) AS valid_to
    FROM marts.rate_history;
CREATE FUNCTION rollup.rate_on(of_type TEXT, in_cluster INTEGER, in_organization INTEGER, day DATE) RETURNS NUMERIC LANGUAGE sql STABLE AS $$
    SELECT value FROM rollup.rate_span
    WHERE rate_type = of_type AND valid_from <= day AND valid_to > day AND value IS NOT NULL
        AND cluster_id IN (0, in_cluster) AND organization_id IN (0, in_organization)
    ORDER BY organization_id DESC, cluster_id DESC LIMIT 1
$$;

-- The rates of every period for the organizations (0: none) of each cluster.
CREATE VIEW rollup.resolved_rates AS
    SELECT p.cluster_id, p.organization_id, h.valid_from,
        lead(h.valid_from, 1, DATE '9999-12-31') OVER (PARTITION BY p.cluster_id, p.organization_id ORDER BY h.valid_from) AS valid_to,
        COALESCE(rollup.rate_on('manual', p.cluster_id, p.organization_id, h.valid_from), 0)::numeric(15,2) AS manual,
        COALESCE(rollup.rate_on('automated', p.cluster_id, p.organization_id, h.valid_from), 0)::numeric(15,2) AS automated,
        COALESCE(rollup.rate_on('hourly', p.cluster_id, p.organization_id, h.valid_from), 0)::numeric(15,2) AS hourly
    FROM (
        SELECT id AS cluster_id, 0 AS organization_id FROM public.clusters_cluster
        UNION ALL
        SELECT cluster_id, id FROM public.clusters_organization WHERE cluster_id IS NOT NULL
    ) p
    CROSS JOIN LATERAL (
        SELECT DATE '0001-01-01' AS valid_from
        UNION SELECT valid_from FROM marts.rate_history
        WHERE rate_type <> 'subscription' AND cluster_id IN (0, p.cluster_id) AND organization_id IN (0, p.organization_id)
    ) h;

-- Stores what resolved_rates shows of a cluster where it differs, and notes that money changes unless only organizations are new.
CREATE FUNCTION rollup.resolve_rates(of_cluster INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    IF ARRAY(SELECT r::text FROM rollup.resolved_rates r WHERE r.cluster_id = of_cluster ORDER BY 1)
        = ARRAY(SELECT p::text FROM marts.rate_period p WHERE p.cluster_id = of_cluster ORDER BY 1) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(6381059, -1);
    DELETE FROM marts.rate_period p
    WHERE p.cluster_id = of_cluster AND p::text NOT IN (SELECT r::text FROM rollup.resolved_rates r WHERE r.cluster_id = of_cluster);
    INSERT INTO pipeline.changed_rate (cluster_id) SELECT of_cluster WHERE FOUND;
    INSERT INTO marts.rate_period (cluster_id, organization_id, valid_from, valid_to, manual, automated, hourly)
    SELECT cluster_id, organization_id, valid_from, valid_to, manual, automated, hourly
    FROM rollup.resolved_rates WHERE cluster_id = of_cluster ON CONFLICT DO NOTHING;
END $$;

-- Without a day, a rate holds from today, or, where it is the first of its kind, from always.
CREATE FUNCTION marts.set_rate(
    of_type TEXT, new_value NUMERIC, starting DATE = NULL, in_cluster INTEGER = 0, in_organization INTEGER = 0
) RETURNS DATE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rollup.require(of_type IN ('manual', 'automated', 'hourly', 'subscription'), 'check_violation',
        format('There is no rate "%s": the rates are manual, automated, hourly and subscription.', of_type));
    PERFORM rollup.require(of_type <> 'subscription' OR (in_cluster, in_organization) = (0, 0), 'check_violation',
        'The subscription rate is everyone''s: no cluster or organization has one of its own.');
    -- What a column DECIMAL(15,2) takes, but for NaN: it would be in every sum.
    PERFORM rollup.require(COALESCE(abs(new_value) < 1e13 AND new_value = round(new_value, 2), (in_cluster, in_organization) <> (0, 0)),
        'check_violation', format('The %s rate cannot be %s: it must be a number of two decimal places below 10000000000000.',
            of_type, COALESCE(new_value::text, '<NULL>')));
    PERFORM pg_advisory_xact_lock(6381059, -1);
    starting := COALESCE(starting, CASE WHEN (in_cluster, in_organization) <> (0, 0)
            OR EXISTS (SELECT FROM marts.rate_history h WHERE (h.rate_type, h.cluster_id, h.organization_id) = (of_type, 0, 0))
        THEN marts.today() ELSE DATE '0001-01-01' END);
    INSERT INTO marts.rate_history (rate_type, cluster_id, organization_id, valid_from, value)
        VALUES (of_type, in_cluster, in_organization, starting, new_value)
        ON CONFLICT (rate_type, cluster_id, organization_id, valid_from)
        DO UPDATE SET value = excluded.value, set_at = now(), set_by = CURRENT_USER;
    PERFORM rollup.resolve_rates(id) FROM public.clusters_cluster WHERE in_cluster IN (0, id);
    INSERT INTO pipeline.changed_rate (cluster_id) SELECT id FROM public.clusters_cluster WHERE of_type = 'subscription';
    UPDATE public.clusters_costs c SET value = r.due, internal_modified = now()
    FROM (SELECT rollup.rate_on(of_type, 0, 0, marts.today()) AS due) r WHERE c.type = of_type AND COALESCE(c.value, 0) <> r.due;
    RETURN starting;
END $$;

-- clusters_costs and rate_history say the same of today: a value that history did not set there is a change as of today, a
-- rate that was set for a later day moves into clusters_costs when that day has come since they were `seen` to agree.
CREATE FUNCTION rollup.read_costs(seen DATE, changed TEXT = NULL) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    cost RECORD;
BEGIN
    FOR cost IN
        SELECT c.type, COALESCE(c.value, 0) AS value, r.due
        FROM public.clusters_costs c CROSS JOIN LATERAL (SELECT rollup.rate_on(c.type, 0, 0, marts.today()) AS due) r
        WHERE c.type IN ('manual', 'automated') AND c.type = COALESCE(changed, c.type) AND COALESCE(c.value, 0) IS DISTINCT FROM r.due
    LOOP
        IF cost.due IS NOT NULL AND cost.value IS NOT DISTINCT FROM rollup.rate_on(cost.type, 0, 0, seen) THEN
            UPDATE public.clusters_costs SET value = cost.due, internal_modified = now() WHERE type = cost.type;
        ELSE
            PERFORM marts.set_rate(cost.type, cost.value);
        END IF;
    END LOOP;
END $$;
SELECT marts.set_rate(type, COALESCE(value, 0)) FROM public.clusters_costs WHERE type IN ('manual', 'automated');

-- Minutes are never unknown: NULL becomes the default minutes of the settings. Bad ones are refused by name, as rates are.
CREATE FUNCTION rollup.default_minutes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT COALESCE(NEW.time_taken_manually_execute_minutes, f.default_manual_minutes),
        COALESCE(NEW.time_taken_create_automation_minutes, f.default_creation_minutes)
    INTO NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes FROM marts.formula f;
    PERFORM rollup.require(least(NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes) >= 0, 'check_violation',
        format('The minutes of job template "%s" cannot be %s by hand and %s to create: they must not be below 0.', NEW.name,
            NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes));
    RETURN NEW;
END $$;

-- Splits the period of a template that holds on the day and began before it, so that the day begins one.
CREATE FUNCTION rollup.split_minutes(template INTEGER, starting DATE) RETURNS VOID LANGUAGE sql AS $$
    INSERT INTO marts.template_minutes (job_template_id, valid_from, valid_to, manual_minutes, creation_minutes, source, excluded)
    SELECT job_template_id, valid_from, starting, manual_minutes, creation_minutes, source, excluded
    FROM marts.template_minutes WHERE job_template_id = template AND valid_from < starting AND valid_to > starting;
    UPDATE marts.template_minutes SET valid_from = starting
    WHERE job_template_id = template AND valid_from < starting AND valid_to > starting
$$;

-- Brings template_minutes up to date with a template: its first minutes hold always, later ones from today.
CREATE FUNCTION rollup.note_minutes(template INTEGER, cluster INTEGER, manual INTEGER, creation INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    origin TEXT := COALESCE(NULLIF(current_setting('marts.minutes_source', TRUE), ''), 'set');
    old marts.template_minutes := (SELECT m FROM marts.template_minutes m WHERE m.job_template_id = template AND m.valid_to = '9999-12-31');
BEGIN
    IF old IS NULL THEN
        INSERT INTO marts.template_minutes (job_template_id, valid_from, valid_to, manual_minutes, creation_minutes, source)
        VALUES (template, '0001-01-01', '9999-12-31', manual, creation, 'default');
        RETURN;
    ELSIF origin = 'estimated' THEN
        -- An estimate replaces the default from the beginning: nothing was set before it.
        UPDATE marts.template_minutes SET manual_minutes = manual, source = origin WHERE job_template_id = template;
    ELSIF (manual, creation) IS DISTINCT FROM (old.manual_minutes, old.creation_minutes) THEN
        -- Today may be before the newest period, after a move to the west. New creation minutes leave the source of the manual ones.
        PERFORM rollup.split_minutes(template, marts.today());
        UPDATE marts.template_minutes SET manual_minutes = manual, creation_minutes = creation,
            source = CASE WHEN manual = old.manual_minutes THEN old.source ELSE origin END
        WHERE job_template_id = template AND valid_from >= marts.today();
    ELSE
        RETURN;
    END IF;
    INSERT INTO pipeline.changed_rate (cluster_id) VALUES (cluster);
END $$;

-- Reads what any program changed. rate_history refers to clusters and organizations by ids that may be 0: no foreign key can do this.
CREATE FUNCTION rollup.source_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME IN ('common_settings', 'common_currency') THEN
        PERFORM rollup.read_formula();
    ELSIF TG_TABLE_NAME = 'clusters_jobtemplate' THEN
        PERFORM rollup.note_minutes(NEW.id, NEW.cluster_id, NEW.time_taken_manually_execute_minutes, NEW.time_taken_create_automation_minutes);
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM marts.rate_history WHERE OLD.id = CASE TG_TABLE_NAME WHEN 'clusters_cluster' THEN cluster_id ELSE organization_id END;
    ELSE
        PERFORM rollup.require(NEW.type IN ('manual', 'automated'), 'check_violation',
            format('There is no rate "%s" in clusters_costs: it holds manual and automated, marts.set_rate sets the others.', NEW.type));
        PERFORM rollup.read_costs(marts.today(), NEW.type);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER marts_formula AFTER INSERT OR UPDATE OR DELETE ON public.common_settings
    FOR EACH STATEMENT EXECUTE FUNCTION rollup.source_changed();
CREATE TRIGGER marts_formula AFTER INSERT OR UPDATE OR DELETE ON public.common_currency
    FOR EACH STATEMENT EXECUTE FUNCTION rollup.source_changed();
CREATE TRIGGER marts_rates AFTER INSERT OR UPDATE OF value, type ON public.clusters_costs
    FOR EACH ROW EXECUTE FUNCTION rollup.source_changed();
CREATE TRIGGER marts_gone_rates AFTER DELETE ON public.clusters_cluster FOR EACH ROW EXECUTE FUNCTION rollup.source_changed();
CREATE TRIGGER marts_gone_rates AFTER DELETE ON public.clusters_organization FOR EACH ROW EXECUTE FUNCTION rollup.source_changed();
CREATE TRIGGER marts_default_minutes
    BEFORE INSERT OR UPDATE OF time_taken_manually_execute_minutes, time_taken_create_automation_minutes
    ON public.clusters_jobtemplate FOR EACH ROW EXECUTE FUNCTION rollup.default_minutes();
CREATE TRIGGER marts_minutes
    AFTER INSERT OR UPDATE OF time_taken_manually_execute_minutes, time_taken_create_automation_minutes
    ON public.clusters_jobtemplate FOR EACH ROW EXECUTE FUNCTION rollup.source_changed();

-- What the marts keep of the settings, the costs, the rates and one cluster's templates, compared with them again. Notes that money
-- changes where a rate's day has come since the cluster was priced.
CREATE FUNCTION rollup.read_sources(of_cluster INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rollup.read_formula();
    PERFORM rollup.read_costs(COALESCE((SELECT max(day) FROM rollup.priced), marts.today()));
    PERFORM rollup.resolve_rates(of_cluster);
    UPDATE public.clusters_jobtemplate
    SET time_taken_manually_execute_minutes = COALESCE(time_taken_manually_execute_minutes, f.default_manual_minutes),
        time_taken_create_automation_minutes = COALESCE(time_taken_create_automation_minutes, f.default_creation_minutes)
    FROM marts.formula f
    WHERE cluster_id = of_cluster
      AND (time_taken_manually_execute_minutes IS NULL OR time_taken_create_automation_minutes IS NULL);
    PERFORM rollup.note_minutes(t.id, of_cluster, t.time_taken_manually_execute_minutes, t.time_taken_create_automation_minutes)
    FROM public.clusters_jobtemplate t
    LEFT JOIN marts.template_minutes m ON m.job_template_id = t.id AND m.valid_to = '9999-12-31'
    WHERE t.cluster_id = of_cluster AND (m.manual_minutes, m.creation_minutes)
        IS DISTINCT FROM (t.time_taken_manually_execute_minutes, t.time_taken_create_automation_minutes);
    INSERT INTO pipeline.changed_rate (cluster_id)
    SELECT p.cluster_id FROM rollup.priced p
    WHERE p.cluster_id = of_cluster AND EXISTS (SELECT FROM marts.rate_history h WHERE h.cluster_id IN (0, of_cluster)
        AND h.valid_from > least(p.day, marts.today()) AND h.valid_from <= greatest(p.day, marts.today()));
    INSERT INTO rollup.priced (cluster_id, day) VALUES (of_cluster, marts.today())
    ON CONFLICT (cluster_id) DO UPDATE SET day = excluded.day WHERE priced.day <> excluded.day;
END $$;

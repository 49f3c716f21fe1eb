-- Schema marts: what people and BI tools read. Schema rollup: bitmaps and rows that only functions read.
CREATE SCHEMA marts;
CREATE SCHEMA rollup;

-- True, or the error of that name with the message where the condition is false.
CREATE FUNCTION rollup.require(condition BOOLEAN, error_name TEXT, message TEXT) RETURNS BOOLEAN LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF NOT condition THEN
        RAISE EXCEPTION '%', message USING ERRCODE = error_name;
    END IF;
    RETURN TRUE;
END $$;

-- A page of a controller's web interface: the controller's own up to AAP 2.4 and in AWX, the platform's since.
CREATE FUNCTION rollup.web_address(c public.clusters_cluster, own_page TEXT, platform_page TEXT) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT format('%s://%s', c.protocol, c.address)
        || CASE WHEN c.port = CASE c.protocol WHEN 'https' THEN 443 ELSE 80 END THEN '' ELSE ':' || c.port END
        || COALESCE(split_part(c.api_prefix, '/api/', 1), '')
        || CASE WHEN c.aap_version LIKE 'AWX%' OR c.aap_version IN ('AAP 2.1', 'AAP 2.2', 'AAP 2.3', 'AAP 2.4') THEN own_page
            ELSE platform_page END
$$;

-- Dimensions. View rollup.dim_… is what the table marts.dim_… is to hold; rollup.sync_dimensions writes what differs. Id 0 stands for
-- "none", so that every key of a fact finds its dimension. `name` is the name at the controller; the column named like the dimension
-- tells equal names apart: a name that several rows share is followed by its cluster, and within one cluster by the id at the controller.
CREATE VIEW rollup.dim_cluster AS
    SELECT c.id AS cluster_id, c.name, c.name AS cluster, c.address, COALESCE(c.product_version, c.aap_version)::varchar(50) AS aap_version,
        c.enabled, rollup.web_address(c, '', '') AS url
    FROM public.clusters_cluster c;
CREATE TABLE marts.dim_cluster (
    LIKE rollup.dim_cluster, PRIMARY KEY (cluster_id), FOREIGN KEY (cluster_id) REFERENCES public.clusters_cluster(id) ON DELETE CASCADE
);
DO $do$
DECLARE
    d RECORD;
BEGIN
    FOR d IN
        VALUES ('organization', 'organization', 'x.name', ''), ('project', 'project', 'x.name', ''),
            ('inventory', 'inventory', 'x.name', ''), ('label', 'label', 'x.name', ''), ('user', 'aapuser', 'x.name', ', x.type'),
            ('job_template', 'jobtemplate', 'COALESCE(x.full_name, x.name)', $$, COALESCE(x.organization_id, 0) AS organization_id,
                x.removed_at IS NOT NULL AS removed, rollup.web_address(c, '/#/templates/job_template/',
                    '/execution/templates/job-template/') || x.external_id || '/details' AS url$$)
    LOOP
        EXECUTE format($query$
            CREATE VIEW rollup.dim_%1$s AS
                SELECT x.id AS %1$s_id, x.cluster_id, x.name::varchar(512) AS name,
                    %3$s || CASE 1 WHEN count(*) OVER (PARTITION BY x.name) THEN ''
                        WHEN count(*) OVER (PARTITION BY x.name, x.cluster_id) THEN concat(' (', c.name, ')')
                        ELSE concat(' (', c.name, ' #', COALESCE(x.external_id, x.id), ')') END AS %5$I %4$s
                FROM public.clusters_%2$s x JOIN public.clusters_cluster c ON c.id = x.cluster_id;
            CREATE TABLE marts.dim_%1$s (
                LIKE rollup.dim_%1$s, PRIMARY KEY (%1$s_id), FOREIGN KEY (cluster_id) REFERENCES public.clusters_cluster(id) ON DELETE CASCADE
            );
            ALTER TABLE marts.dim_%1$s ALTER name SET NOT NULL, ALTER %5$I SET NOT NULL;
            COMMENT ON TABLE marts.dim_%1$s IS 'One row per %6$s of a cluster; 0 stands for none.';
            INSERT INTO marts.dim_%1$s (%1$s_id, name, %5$I) VALUES (0, '(no %6$s)', '(no %6$s)') $query$,
            d.column1, d.column2, d.column3, d.column4, replace(d.column1, 'user', 'launched_by'), replace(d.column1, '_', ' '));
    END LOOP;
END $do$;
DELETE FROM marts.dim_label;  -- runs without labels have the empty label set
UPDATE marts.dim_user SET type = 'none';
UPDATE marts.dim_job_template SET organization_id = 0, removed = FALSE;
ALTER TABLE marts.dim_cluster
    ALTER name SET NOT NULL, ALTER cluster SET NOT NULL, ALTER address SET NOT NULL, ALTER enabled SET NOT NULL, ALTER url SET NOT NULL;
ALTER TABLE marts.dim_user ALTER type SET NOT NULL;
ALTER TABLE marts.dim_job_template ALTER organization_id SET NOT NULL, ALTER removed SET NOT NULL;
CREATE TABLE rollup.host (
    host_id INTEGER PRIMARY KEY, cluster_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, name VARCHAR(1024) NOT NULL,
    UNIQUE (cluster_id, ordinal)
);
CREATE TABLE marts.dim_date (
    date DATE PRIMARY KEY,
    year SMALLINT NOT NULL, quarter SMALLINT NOT NULL, month SMALLINT NOT NULL, day SMALLINT NOT NULL,
    year_month CHAR(7) NOT NULL, month_start DATE NOT NULL, month_name VARCHAR(9) NOT NULL,
    iso_year SMALLINT NOT NULL, iso_week SMALLINT NOT NULL, iso_year_week CHAR(8) NOT NULL, week_start DATE NOT NULL,
    weekday SMALLINT NOT NULL, weekday_name VARCHAR(9) NOT NULL, is_weekend BOOLEAN NOT NULL,
    fiscal_year SMALLINT NOT NULL, fiscal_quarter SMALLINT NOT NULL, fiscal_month SMALLINT NOT NULL
);
CREATE TABLE marts.dim_label_set (
    label_set_id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES public.clusters_cluster(id) ON DELETE CASCADE,
    label_key TEXT NOT NULL,
    labels TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX dim_label_set_key_idx ON marts.dim_label_set (cluster_id, md5(label_key));
INSERT INTO marts.dim_label_set (label_set_id, label_key) VALUES (0, '');
CREATE TABLE marts.bridge_label_set (
    label_set_id INTEGER NOT NULL REFERENCES marts.dim_label_set(label_set_id) ON DELETE CASCADE,
    label_id INTEGER NOT NULL REFERENCES marts.dim_label(label_id) ON DELETE CASCADE,
    PRIMARY KEY (label_set_id, label_id)
);
CREATE INDEX bridge_label_set_label_idx ON marts.bridge_label_set (label_id);

-- Facts are written and read by whole days of a cluster, for which a key of all dimensions is a large index. Columns of fixed width come
-- first: rows are read faster. The first has the runs in check mode that setting count_check_mode leaves out, for formula_comparison.
CREATE TABLE rollup.left_out_daily (
    date DATE NOT NULL, cluster_id INTEGER NOT NULL, organization_id INTEGER NOT NULL, job_template_id INTEGER NOT NULL,
    project_id INTEGER NOT NULL, label_set_id INTEGER NOT NULL, inventory_id INTEGER NOT NULL,
    runs INTEGER NOT NULL, extra_slices INTEGER NOT NULL, hosts INTEGER NOT NULL,
    status VARCHAR(25) NOT NULL, elapsed_seconds NUMERIC(24,3) NOT NULL, job_type VARCHAR(20) NOT NULL, launch_type VARCHAR(20) NOT NULL
);
CREATE INDEX ON rollup.left_out_daily (date, cluster_id);
CREATE TABLE marts.launches (LIKE rollup.left_out_daily INCLUDING INDEXES, user_id INTEGER NOT NULL);
CREATE TABLE rollup.launches_monthly (LIKE marts.launches INCLUDING INDEXES);
ALTER TABLE rollup.launches_monthly RENAME date TO month;
-- Eleven decimals: a sum of quotients stays exact far below a cent, and .NET's decimal, which has 28 digits, holds it up to 10^17.
CREATE TABLE rollup.money (
    manual_costs NUMERIC(38,11) NOT NULL, creation_costs NUMERIC(38,11) NOT NULL, run_costs NUMERIC(38,11) NOT NULL,
    automated_costs NUMERIC(38,11) NOT NULL, savings NUMERIC(38,11) NOT NULL, time_savings_seconds NUMERIC(24,3) NOT NULL,
    manual_costs_as_recorded NUMERIC(38,11) NOT NULL, creation_costs_as_recorded NUMERIC(38,11) NOT NULL,
    run_costs_as_recorded NUMERIC(38,11) NOT NULL, automated_costs_as_recorded NUMERIC(38,11) NOT NULL,
    savings_as_recorded NUMERIC(38,11) NOT NULL, manual_minutes BIGINT NOT NULL, creation_minutes BIGINT NOT NULL
);
-- A relation's columns as format() writes their names (%1$I) and types (%2$s); with `keys`, only the keys or measures of facts, no date.
CREATE FUNCTION rollup.columns(relation REGCLASS, template TEXT = '%1$I', keys BOOLEAN = NULL) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(template, a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND (keys IS NULL OR a.attname <> 'date'
        AND keys = (a.attname LIKE '%\_id' OR a.atttypid IN ('varchar'::regtype, 'smallint'::regtype)))
$$;
CREATE TABLE marts.savings_daily (
    LIKE rollup.left_out_daily INCLUDING INDEXES,
    LIKE rollup.money,
    runs_without_hosts INTEGER NOT NULL, provisional_runs INTEGER NOT NULL, runs_without_template INTEGER NOT NULL,
    changed_hosts INTEGER NOT NULL, dark_hosts INTEGER NOT NULL, failures_hosts INTEGER NOT NULL, ok_hosts INTEGER NOT NULL,
    processed_hosts INTEGER NOT NULL, skipped_hosts INTEGER NOT NULL, failed_hosts INTEGER NOT NULL, ignored_hosts INTEGER NOT NULL,
    rescued_hosts INTEGER NOT NULL,
    PRIMARY KEY (date, cluster_id, organization_id, job_template_id, project_id, label_set_id, inventory_id, job_type, status, launch_type)
);
CREATE TABLE marts.savings_monthly (LIKE marts.savings_daily INCLUDING INDEXES);
ALTER TABLE marts.savings_monthly RENAME date TO month;

-- The choices that three settings leave, and under each the first run of each template, on which its creation is booked once.
CREATE VIEW rollup.population AS
    SELECT k.count_check_mode, o.successful_only, s.slices_once
    FROM (VALUES (TRUE), (FALSE)) AS k (count_check_mode) CROSS JOIN (VALUES (TRUE), (FALSE)) AS o (successful_only)
    CROSS JOIN (VALUES (TRUE), (FALSE)) AS s (slices_once);
CREATE TABLE rollup.first_run (
    job_template_id INTEGER NOT NULL REFERENCES marts.dim_job_template(job_template_id) ON DELETE CASCADE,
    count_check_mode BOOLEAN NOT NULL, successful_only BOOLEAN NOT NULL, slices_once BOOLEAN NOT NULL,
    job_id INTEGER NOT NULL, finished TIMESTAMPTZ NOT NULL, date DATE NOT NULL,
    cluster_id INTEGER NOT NULL, organization_id INTEGER NOT NULL, project_id INTEGER NOT NULL, label_set_id INTEGER NOT NULL,
    inventory_id INTEGER NOT NULL, job_type VARCHAR(20) NOT NULL, status VARCHAR(25) NOT NULL, launch_type VARCHAR(20) NOT NULL,
    PRIMARY KEY (job_template_id, count_check_mode, successful_only, slices_once)
);

CREATE TABLE rollup.host_set_daily (
    date DATE NOT NULL, cluster_id INTEGER NOT NULL, organization_id INTEGER NOT NULL, job_template_id INTEGER, project_id INTEGER,
    label_set_id INTEGER, inventory_id INTEGER, launch_type VARCHAR(20), chunk SMALLINT NOT NULL, hosts BIT(1024) NOT NULL
);
CREATE INDEX host_set_daily_date_idx ON rollup.host_set_daily (date, cluster_id);
CREATE INDEX host_set_daily_organization_idx ON rollup.host_set_daily (date, cluster_id) WHERE job_template_id IS NULL;
CREATE TABLE rollup.host_set_monthly (LIKE rollup.host_set_daily INCLUDING INDEXES);
ALTER TABLE rollup.host_set_monthly RENAME date TO month;

CREATE TABLE rollup.host_runs_daily (
    date DATE NOT NULL, cluster_id INTEGER NOT NULL, organization_id INTEGER NOT NULL,
    host_ids INTEGER[] NOT NULL, runs INTEGER[] NOT NULL,
    PRIMARY KEY (date, cluster_id, organization_id)
);
CREATE TABLE rollup.host_runs_monthly (
    month DATE NOT NULL, cluster_id INTEGER NOT NULL, organization_id INTEGER NOT NULL, host_id INTEGER NOT NULL,
    runs INTEGER NOT NULL, first_date DATE NOT NULL, last_date DATE NOT NULL,
    PRIMARY KEY (month, cluster_id, organization_id, host_id)
);

-- What is published refers to every dimension, so that tools find the star by themselves; the rest only to its cluster.
DO $$
DECLARE
    reference RECORD;
BEGIN
    FOR reference IN
        SELECT a.attrelid::regclass AS fact, a.attname AS key, d.oid::regclass AS dimension
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class f ON f.oid = a.attrelid AND f.relkind = 'r'
        JOIN pg_catalog.pg_class d ON d.relnamespace = 'marts'::regnamespace
            AND d.relname = 'dim_' || CASE WHEN a.attname IN ('date', 'month') THEN 'date' ELSE substring(a.attname FROM '(.*)_id$') END
        WHERE f.oid IN ('marts.savings_daily'::regclass, 'marts.savings_monthly'::regclass, 'marts.launches'::regclass)
            OR f.relnamespace = 'rollup'::regnamespace AND a.attname = 'cluster_id'
    LOOP
        EXECUTE format('ALTER TABLE %s ADD FOREIGN KEY (%I) REFERENCES %s ON DELETE CASCADE',
            reference.fact, reference.key, reference.dimension);
    END LOOP;
END $$;

-- What the refresh must still do, besides pipeline.changed_day; append-only for the same reason.
CREATE TABLE pipeline.changed_rate (
    id BIGSERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    valid_from DATE NOT NULL DEFAULT '0001-01-01', valid_to DATE NOT NULL DEFAULT '9999-12-31',
    noted_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX changed_rate_cluster_idx ON pipeline.changed_rate (cluster_id);

CREATE TABLE rollup.priced (
    cluster_id INTEGER PRIMARY KEY REFERENCES public.clusters_cluster(id) ON DELETE CASCADE, day DATE NOT NULL
);

-- Exchange rates, for BI.
CREATE VIEW marts.currency_rate AS SELECT from_currency, to_currency, rate_date, rate FROM public.common_currency_rate;

-- Exchange rates are the user's to keep, beside common_currency; the marts show them to BI.
CREATE TABLE public.common_currency_rate (
    id SERIAL PRIMARY KEY,
    from_currency VARCHAR(3) NOT NULL,
    to_currency VARCHAR(3) NOT NULL,
    rate_date DATE NOT NULL,
    rate NUMERIC(20,10) NOT NULL CHECK (rate > 0),
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW(),
    CHECK (from_currency <> to_currency),
    -- As common_currency has them: a rate of usd would never be found.
    CONSTRAINT iso_codes_in_capitals CHECK (from_currency ~ '^[A-Z]{3}$' AND to_currency ~ '^[A-Z]{3}$')
);
CREATE UNIQUE INDEX common_currency_rate_day_idx ON public.common_currency_rate (from_currency, to_currency, rate_date);
CREATE VIEW marts.currency_rate AS SELECT from_currency, to_currency, rate_date, rate FROM public.common_currency_rate;

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
    rollup.host_runs_monthly, rollup.price_period,
    rollup.population_month, rollup.counted_month, rollup.population_first_run, rollup.counted_first_run TO bi_reader;
-- Functions that write, or read what bi_reader may not, are not for everyone.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA marts, rollup FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    marts.today, marts.day_start, marts.sees_all, marts.visible_organizations, marts.conversion, marts.savings_by_template,
    marts.unique_hosts, marts.totals, marts.job_counts, marts.top_users, marts.top_projects, marts.formula_comparison, marts.ids, marts.period, marts.managed_nodes,
    rollup.kept, rollup.first_month, rollup.end_month, rollup.savings_between, rollup.launches_between,
    rollup.hosts_between, rollup.host_bits, rollup.costs, rollup.money, rollup.web_address TO bi_reader;

-- Row-level security. The first condition is asked once per query, not once per row. Dimensions follow the facts that the reader may
-- see; policies apply within policies.
DO $$
DECLARE
    own CONSTANT TEXT := 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])';
    rule RECORD;
BEGIN
    FOR rule IN
        SELECT * FROM (VALUES
            ('marts.savings_daily', own), ('marts.savings_monthly', own), ('marts.launches', own), ('rollup.launches_monthly', own),
            ('rollup.left_out_daily', own), ('rollup.host_set_daily', own), ('rollup.host_set_monthly', own),
            ('marts.dim_organization', own), ('marts.rate_period', own),
            ('marts.rate_history', own
                || ' OR organization_id = 0 AND (cluster_id = 0 OR cluster_id IN (SELECT c.cluster_id FROM marts.dim_cluster c))'),
            ('marts.dim_cluster', 'cluster_id IN (SELECT o.cluster_id FROM marts.dim_organization o'
                || ' UNION ALL SELECT s.cluster_id FROM marts.savings_monthly s)'),
            ('marts.dim_job_template', own || ' OR job_template_id IN (SELECT s.job_template_id FROM marts.savings_monthly s)'),
            ('marts.template_minutes', 'job_template_id IN (SELECT t.job_template_id FROM marts.dim_job_template t)'),
            ('marts.dim_project', 'project_id IN (SELECT s.project_id FROM marts.savings_monthly s)'),
            ('marts.dim_label_set', 'label_set_id IN (SELECT s.label_set_id FROM marts.savings_monthly s)'),
            ('marts.bridge_label_set', 'label_set_id IN (SELECT s.label_set_id FROM marts.savings_monthly s)'),
            ('marts.dim_label', 'label_id IN (SELECT b.label_id FROM marts.bridge_label_set b)'),
            ('marts.dim_user', 'user_id IN (SELECT l.user_id FROM rollup.launches_monthly l)'),
            ('rollup.host_runs_monthly', own), ('rollup.host', 'host_id IN (SELECT r.host_id FROM rollup.host_runs_monthly r)')
        ) AS v (name, condition)
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', rule.name);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT USING ((SELECT marts.sees_all()) OR %s)', rule.name, rule.condition);
    END LOOP;
END $$;

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
GRANT USAGE ON SCHEMA marts TO bi_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA marts TO bi_reader;
-- Functions that write, or read what bi_reader may not, are not for everyone.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA marts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    marts.today, marts.day_start, marts.sees_all, marts.visible_organizations, marts.pentad, marts.next_pentad, marts.split,
    marts.matching_workloads, marts.subscription_cost,
    marts.to_date_terms, marts.template_quantities, marts.template_money, marts.conversion, marts.savings_by_template, marts.unique_hosts, marts.totals, marts.job_counts,
    marts.top_users, marts.top_projects, marts.formula_comparison TO bi_reader;

-- Row-level security. The first condition is asked once a query, not once a row. Tables that know no organization follow
-- the series or the facts that the reader may see; policies apply within policies.
DO $$
DECLARE
    rule RECORD;
BEGIN
    FOR rule IN
        SELECT * FROM (VALUES
            ('dim_organization', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('workload', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('series', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('rate_period', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('rate_history', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'
                || ' OR organization_id = 0 AND (cluster_id = 0 OR cluster_id IN (SELECT c.cluster_id FROM marts.dim_cluster c))'),
            ('platform_month', 'FALSE'),
            ('activity_daily', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('launcher_to_date', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('organization_host_set_daily', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('organization_host_set_monthly', 'organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('run_daily', 'series_id IN (SELECT s.series_id FROM marts.series s)'),
            ('run_monthly', 'series_id IN (SELECT s.series_id FROM marts.series s)'),
            ('first_run', 'series_id IN (SELECT s.series_id FROM marts.series s)'),
            ('launches_daily', 'series_id IN (SELECT s.series_id FROM marts.series s)'),
            ('workload_to_date', 'workload_id IN (SELECT w.workload_id FROM marts.workload w)'),
            ('launches_pentad', 'workload_id IN (SELECT w.workload_id FROM marts.workload w)'),
            ('launches_monthly', 'workload_id IN (SELECT w.workload_id FROM marts.workload w)'),
            ('host_set_daily', 'workload_id IN (SELECT w.workload_id FROM marts.workload w)'),
            ('host_set_pentad', 'workload_id IN (SELECT w.workload_id FROM marts.workload w)'),
            ('host_set_monthly', 'workload_id IN (SELECT w.workload_id FROM marts.workload w)'),
            ('dim_cluster', 'cluster_id IN (SELECT o.cluster_id FROM marts.dim_organization o'
                || ' UNION ALL SELECT w.cluster_id FROM marts.workload w)'),
            ('dim_job_template', 'job_template_id IN (SELECT s.job_template_id FROM marts.series s)'
                || ' OR organization_id = ANY ((SELECT marts.visible_organizations())::int[])'),
            ('template_minutes', 'job_template_id IN (SELECT t.job_template_id FROM marts.dim_job_template t)'),
            ('dim_project', 'project_id IN (SELECT s.project_id FROM marts.series s)'),
            ('dim_label_set', 'label_set_id IN (SELECT s.label_set_id FROM marts.series s)'),
            ('bridge_label_set', 'label_set_id IN (SELECT s.label_set_id FROM marts.series s)'),
            ('dim_label', 'label_id IN (SELECT b.label_id FROM marts.bridge_label_set b)'),
            ('dim_user', 'user_id IN (SELECT l.user_id FROM marts.launcher_to_date l'
                || ' WHERE l.date = ANY (ARRAY(SELECT max(d.date) FROM marts.dim_date d GROUP BY d.month_start)))'),
            ('dim_host', 'EXISTS (SELECT FROM marts.organization_host_set_monthly h WHERE h.cluster_id = dim_host.cluster_id'
                || ' AND h.chunk = dim_host.ordinal / 1024 AND get_bit(h.hosts, dim_host.ordinal % 1024) = 1)')
        ) AS v (name, condition)
    LOOP
        EXECUTE format('ALTER TABLE marts.%I ENABLE ROW LEVEL SECURITY', rule.name);
        EXECUTE format('CREATE POLICY readers ON marts.%I FOR SELECT USING ((SELECT marts.sees_all()) OR %s)',
            rule.name, rule.condition);
    END LOOP;
END $$;

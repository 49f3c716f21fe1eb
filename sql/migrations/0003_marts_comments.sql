-- What everything is; the data dictionary is made from these comments.
COMMENT ON SCHEMA marts IS 'What BI tools read: the savings of automation by day and month, dimensions, and the functions of a dashboard.';
COMMENT ON SCHEMA rollup IS 'What schema marts reads: bitmaps of hosts, rows that the settings leave out, functions that build and price.';
COMMENT ON TABLE marts.dim_cluster IS 'One row per controller.';
COMMENT ON TABLE marts.dim_user IS 'One row per launcher: a person, a schedule, a webhook; 0 stands for none.';
COMMENT ON TABLE marts.dim_label IS 'One row per label of a cluster.';
COMMENT ON VIEW marts.dim_host IS 'One row per host of a cluster. A machine in two clusters has two rows.';
COMMENT ON TABLE marts.dim_date IS 'One row per day from the first to the last month with runs; ISO weeks; fiscal years by fiscal_year_start_month.';
COMMENT ON TABLE marts.dim_label_set IS 'One row per distinct set of labels that a run carried; 0 is the empty set.';
COMMENT ON TABLE marts.bridge_label_set IS 'Which labels a label set holds. Filter by label with label_set_id IN '
    '(SELECT label_set_id FROM marts.bridge_label_set JOIN marts.dim_label USING (label_id) WHERE label = …). '
    'A join of facts to this table counts a run once per label, which multiplies money.';
COMMENT ON TABLE marts.savings_daily IS 'Runs, hosts, minutes, costs and savings that count, by day and all dimensions. Every measure adds up.';
COMMENT ON TABLE marts.savings_monthly IS 'The same by month: the sum of savings_daily.';
COMMENT ON TABLE marts.launches IS 'Who launched how many runs, by day and all dimensions.';
COMMENT ON TABLE marts.formula IS 'One row: the settings that all money obeys, as read from common_settings.';
COMMENT ON TABLE marts.rate_history IS 'Every rate that was set, from which day, for all clusters (0, 0), a cluster, or an organization. '
    'Precedence: organization, then cluster, then the global rate. A value of NULL ends an override. The subscription''s price is global.';
COMMENT ON TABLE marts.rate_period IS 'The rates of each organization of each cluster in each period: rate_history resolved; no subscription.';
COMMENT ON TABLE marts.template_minutes IS 'Minutes of each job template with their history, and when it is left out of the savings.';
COMMENT ON TABLE marts.bi_access IS 'Which organizations a database role may see. '
    'A role that is not listed, and inherits none that is, sees all; a login that is listed stays restricted after SET ROLE.';
COMMENT ON TABLE pipeline.changed_rate IS 'Days of clusters whose money is still to be computed anew, after a change of rates, minutes or settings.';
COMMENT ON VIEW marts.template_monthly IS 'Savings by month and job template, with cumulative savings: one row for each month since its first.';
COMMENT ON VIEW marts.organization_monthly IS 'Savings by month and organization, with cumulative savings: one row for each month since its first.';
COMMENT ON VIEW marts.kpi_daily IS 'Key figures by day and cluster. Unique hosts of a day do not add up over days.';
COMMENT ON VIEW marts.host_monthly IS 'One row per host, month and combination of dimensions in which it ran, for tools that count distinct hosts. '
    'Do not add up its rows: COUNT(DISTINCT host_id).';
COMMENT ON VIEW marts.payback IS 'When each job template had paid for its creation: the first day from which its cumulative savings stay above zero.';
COMMENT ON VIEW marts.fct_job_run IS 'One row per successful or failed job of core, whether the settings count it or not, with its money.';
COMMENT ON VIEW marts.freshness IS 'How fresh each cluster''s figures are: last sync, newest job, and what is still to come.';
COMMENT ON VIEW marts.current_rate IS 'The rates in force today for each organization of each cluster.';
COMMENT ON VIEW marts.currency_rate IS 'Exchange rates, as in common_currency_rate.';
COMMENT ON TABLE rollup.launches_monthly IS 'Runs by month, all dimensions and launcher: the sum of marts.launches.';
COMMENT ON TABLE rollup.left_out_daily IS 'Quantities of runs in check mode while setting count_check_mode leaves them out, for formula_comparison.';
COMMENT ON TABLE rollup.first_run IS 'The first run of each job template under each population: where creation_cost_basis once books the creation.';
COMMENT ON TABLE rollup.host_set_daily IS 'Which hosts ran on a day, as bitmaps: by all dimensions, and (keys NULL) by organization.';
COMMENT ON TABLE rollup.host_set_monthly IS 'Which hosts ran in a month: the union of host_set_daily.';
COMMENT ON TABLE rollup.host IS 'Hosts with their ordinals, their bits in the host sets.';
COMMENT ON TABLE rollup.host_runs_daily IS 'How many runs of an organization touched each host, by day.';
COMMENT ON TABLE rollup.host_runs_monthly IS 'How many runs of an organization touched each host, by month: the sum of host_runs_daily.';
COMMENT ON TABLE rollup.money IS 'The columns of money, as the facts have them and rollup.money returns them. Holds no rows.';
COMMENT ON TABLE rollup.priced IS 'The day as of which the money of each cluster was computed.';
COMMENT ON FUNCTION marts.savings_by_template IS 'Runs, costs and savings by job template between two days, both included; '
    'the specification''s first query. With without_template, runs without a template are a row of their own, and the rows add up to marts.totals.';
COMMENT ON FUNCTION marts.totals IS 'One row: runs, hosts, unique hosts, hours, costs, savings, time saved, ROI between two days, both included.';
COMMENT ON FUNCTION marts.job_counts IS 'Jobs and hosts by hour, day, week, month, quarter or year, gaps filled with zeros; '
    'the specification''s second query. job_count includes jobs without hosts, as that query does.';
COMMENT ON FUNCTION marts.unique_hosts IS 'How many different hosts runs touched between two days, both included; the specification''s third query.';
COMMENT ON FUNCTION marts.managed_nodes IS 'How many different machines runs touched: hosts of the same name, in any case and cluster, are one. '
    'Red Hat counts names; unique_hosts counts the hosts of the controllers.';
COMMENT ON FUNCTION marts.top_users IS 'The n launchers with the most runs, of the given types (user, schedule, …) or of all.';
COMMENT ON FUNCTION marts.top_projects IS 'The n projects with the most runs, with their savings.';
COMMENT ON FUNCTION marts.formula_comparison IS 'Costs and savings under each choice of the settings; in_force marks the one that holds.';
COMMENT ON FUNCTION marts.ids IS 'Ids of clusters, organizations, job templates, projects or labels (kind, singular) by name, '
    'for the filters of the functions. A name that several clusters share gives the ids of all.';
COMMENT ON FUNCTION marts.period IS 'First and last day of a named range: today, yesterday, this_ or last_ week, month, quarter or year, '
    'last_N_days, all. Quarters and years follow setting fiscal_year_start_month.';
COMMENT ON FUNCTION marts.sees_all IS 'Whether the reader sees every organization.';
COMMENT ON FUNCTION marts.visible_organizations IS 'The organizations that bi_access gives the reader; NULL: all.';
COMMENT ON FUNCTION marts.today IS 'Today in the reporting time zone.';
COMMENT ON FUNCTION marts.set_rate IS 'Sets a rate (manual, automated, hourly, subscription) from a day on, '
    'for all clusters, a cluster or an organization. Without a day it holds from today; the first global one from always. Returns the day.';

-- A column is described by its table's own words, else by a pattern, else by the words for its name.
DO $do$
DECLARE
    item RECORD;
BEGIN
    FOR item IN
        WITH meaning (name, words) AS (VALUES
            ('date', 'Day in the reporting time zone on which the runs finished.'), ('month', 'First day of the month in the reporting time zone.'),
            ('cluster_id', 'The controller.'), ('cluster', 'Name of the controller.'), ('label_set_id', 'The set of labels; 0: no label.'),
            ('label_id', 'The label.'), ('user_id', 'The launcher; 0: unknown.'), ('host_id', 'The host.'),
            ('job_id', 'The job in core (clusters_job.id).'), ('job_type', 'run, check or scan.'), ('status', 'successful or failed.'),
            ('launch_type', 'How the job was launched.'), ('external_id', 'The job''s id at the controller.'),
            ('url', 'Address in the controller''s web interface.'),
            ('runs', 'Successful and failed jobs with at least one host that the settings count.'), ('successful_runs', 'Runs that were successful.'),
            ('failed_runs', 'Runs that failed.'),
            ('runs_without_hosts', 'Successful or failed jobs without a host: not runs, but charts count them.'),
            ('runs_without_template', 'Runs whose job template is unknown: counted, without money.'),
            ('extra_slices', 'Jobs with hosts that are the second or a later slice of one launch; runs, unless setting count_slices is once.'),
            ('job_slice_number', 'Number of the slice of a sliced job, from 1; 0: not sliced.'), ('job_slice_count', 'Slices of the launch.'),
            ('provisional_runs', 'Jobs whose host summaries may still arrive.'), ('hosts', 'Hosts, once for each run.'),
            ('changed_hosts', 'Hosts with a change.'), ('dark_hosts', 'Hosts that could not be reached.'),
            ('failures_hosts', 'Hosts with a failed task.'), ('ok_hosts', 'Hosts with a successful task.'),
            ('processed_hosts', 'Hosts that were processed.'), ('skipped_hosts', 'Hosts with a skipped task.'),
            ('failed_hosts', 'Hosts that failed as a whole.'), ('ignored_hosts', 'Hosts with an ignored failure.'),
            ('rescued_hosts', 'Hosts with a rescued failure.'), ('elapsed_seconds', 'Run time in seconds.'),
            ('manual_minutes', 'Minutes that the hosts would have taken by hand.'),
            ('creation_minutes', 'Minutes for the creation of the automation, as booked by the settings.'),
            ('manual_costs', 'Manual minutes x manual rate.'), ('creation_costs', 'Creation minutes x manual rate.'),
            ('run_costs', 'Run time x automated rate, or its share of the subscription.'), ('automated_costs', 'Creation costs + run costs.'),
            ('savings', 'Manual costs - automated costs.'), ('time_savings_seconds', 'Manual time - creation time - run time, in seconds.'),
            ('cumulated_savings', 'Savings up to and including the month.'), ('valid_from', 'First day on which the row holds.'),
            ('valid_to', 'First day on which the row no longer holds; 9999-12-31: none yet.'), ('manual', 'Cost of a minute of manual work.'),
            ('automated', 'Cost of a minute of run time.'), ('hourly', 'Cost of an hour of a person under cost_model subscription.'),
            ('from_currency', 'ISO code of the currency that is converted.'), ('to_currency', 'ISO code of the currency of the result.'),
            ('rate_date', 'First day of the exchange rate.'), ('rate', 'Units of to_currency for one of from_currency.'),
            ('noted_at', 'When the note was made.'), ('id', 'Key.'), ('address', 'Host name of the controller.'),
            ('aap_version', 'Version of the controller.'), ('removed', 'Whether the controller no longer has the template.'),
            ('type', 'user, schedule, job_template (a webhook), ….'), ('host', 'Name of the host, as at the controller.'),
            ('first_automated', 'Day of the first run that touched the host.'), ('last_automated', 'Day of the last run that touched the host.'),
            ('host_ids', 'The hosts.'), ('first_date', 'Day of the first of these runs.'), ('last_date', 'Day of the last of these runs.'),
            ('ordinal', 'Number of the host within its cluster, from 0, never reused: its bit in the host sets.'),
            ('label_key', 'Ids of the labels, ascending, comma-separated.'), ('labels', 'Names of the labels, comma-separated.'),
            ('year', 'Calendar year.'), ('quarter', 'Quarter of the calendar year, 1-4.'), ('year_month', 'Year and month, YYYY-MM.'),
            ('month_start', 'First day of the month.'), ('month_name', 'English name of the month.'), ('iso_year', 'Year of the ISO week.'),
            ('iso_week', 'ISO week, 1-53.'), ('iso_year_week', 'ISO year and week, YYYY-Www.'), ('week_start', 'Monday of the week.'),
            ('weekday', 'Day of the week, 1 (Monday) to 7.'), ('weekday_name', 'English name of the day.'), ('is_weekend', 'Saturday or Sunday.'),
            ('fiscal_year', 'Fiscal year, named by the calendar year in which it ends.'), ('fiscal_quarter', 'Quarter of the fiscal year.'),
            ('fiscal_month', 'Month of the fiscal year, 1-12.'),
            ('unique_hosts_of_day', 'Different hosts of the day. Does not add up over days or clusters.'),
            ('unique_hosts', 'Different hosts of the day, under the former name of the column. Does not add up over days or clusters.'),
            ('started', 'When the job started.'), ('left_out', 'Whether the settings leave the job out: in check mode, or of an excluded template.'),
            ('counted', 'Whether the job has money: a run that the population counts, with a template.'),
            ('first_run_date', 'Day of the template''s first counted run.'),
            ('payback_date', 'Day from which cumulative savings stay above zero; NULL: not yet.'), ('last_sync', 'When the last sync ended.'),
            ('last_outcome', 'How the last sync ended.'), ('newest_job', 'Finish time of the newest job synced.'),
            ('newest_job_age_seconds', 'Age of the newest job.'), ('lag_seconds', 'How far the last sync was behind the controller.'),
            ('quarantined', 'Records in quarantine; NULL for restricted readers.'),
            ('days_to_refresh', 'Changed days not yet in the marts; NULL for restricted readers.'),
            ('rate_type', 'manual, automated, hourly or subscription.'), ('value', 'Money per minute (hourly: per hour, subscription: per month).'),
            ('set_at', 'When the rate was set.'), ('set_by', 'The database role that set the rate.'),
            ('person_hour', 'Cost of an hour of a person: the manual rate x 60, or the hourly rate under cost_model subscription.'),
            ('dim_cluster.name', 'Name in clusters.yaml.'), ('source', 'Where the manual minutes come from: default, estimated or set.'),
            ('excluded', 'Whether the template is left out of the savings in this period.'), ('role', 'Database role.'),
            ('chunk', 'Which 1,024 ordinals of the cluster the bitmap stands for.'),
            ('enabled', 'Whether the controller is synced.'),
            ('run_costs_as_recorded', 'Run costs by the rates of the day, or the share of a subscription''s price on the first day of the month.'),
            ('dim_cluster.url', 'Address of the controller''s web interface.'), ('bridge_label_set.label_id', 'A label of the set.'),
            ('template_minutes.job_template_id', 'The job template of the minutes.'), ('payback.job_template_id', 'The job template that pays back.'),
            ('fct_job_run.name', 'Name of the job.'), ('fct_job_run.date', 'Day in the reporting time zone on which the job finished.'),
            ('fct_job_run.elapsed_seconds', 'Run time of the job in seconds.'),
            ('template_monthly.job_template_id', 'The job template whose months these are; 0: none.'),
            ('organization_monthly.organization_id', 'The organization whose months these are; 0: none.'),
            ('dim_job_template.organization_id', 'The organization that owns the template; 0: none.'),
            ('dim_host.runs', 'Runs that touched the host.'), ('host_runs_daily.runs', 'Runs that touched each of the hosts, in the same order.'),
            ('host_runs_monthly.runs', 'Runs that touched the host in the month.'), ('dim_date.date', 'The day.'),
            ('dim_date.month', 'Month of the calendar year, 1-12.'), ('dim_date.day', 'Day of the month.'),
            ('fct_job_run.runs', '1 if the other figures count the job as a run, else 0.'), ('fct_job_run.hosts', 'Hosts of the job.'),
            ('fct_job_run.finished', 'When the job finished.'), ('fct_job_run.finished_local', 'When the job finished, in the reporting time zone.'),
            ('fct_job_run.provisional', 'Whether host summaries of the job may still arrive.'),
            ('payback.creation_costs', 'Cost of the template''s creation, once.'),
            ('payback.creation_costs_as_recorded', 'Cost of the template''s creation, once, by the rates and minutes of its first run.'),
            ('payback.cumulated_savings', 'Savings to date, creation paid once.'),
            ('freshness.provisional', 'Jobs whose host summaries may still arrive; NULL for restricted readers.'),
            ('rate_history.cluster_id', 'The controller that the rate is for; 0: all.'),
            ('rate_history.organization_id', 'The organization that the rate is for; 0: all.'),
            ('rate_period,current_rate.organization_id', 'The organization that the rates are for; 0: runs without one.'),
            ('template_minutes.manual_minutes', 'Minutes by hand for one host.'),
            ('template_minutes.creation_minutes', 'Minutes to create the automation.'),
            ('bi_access.organization', 'Id of an organization that it may see; 0: runs without one; -1: none, also none that it inherits.'),
            ('formula.only_row', 'Always true.'), ('formula.count_creation', 'Setting enable_template_creation_time.'),
            ('formula.creation_once', 'Whether setting creation_cost_basis is once.'),
            ('formula.subscription', 'Whether setting cost_model is subscription.'),
            ('formula.successful_only', 'Whether setting savings_population is successful_only.'),
            ('formula.slices_once', 'Whether setting count_slices is once.'),
            ('host_set_daily,host_set_monthly.hosts', 'The bitmap: bit i of chunk c is the host with ordinal 1024 c + i.'),
            ('count_check_mode', 'Whether runs in check mode count.'), ('successful_only', 'Whether only successful runs count.'),
            ('slices_once', 'Whether the slices of a launch count once.'), ('host.name', 'Name of the host at the controller.'),
            ('first_run.finished', 'When the run finished.'), ('priced.day', 'Day in the reporting time zone as of which the cluster was priced.'),
            ('formula.currency', 'ISO code of the configured currency.'), ('formula.currency_symbol', 'Symbol of the configured currency.')
        )
        SELECT c.oid::regclass AS relation, a.attname AS name, COALESCE(own.words, CASE
            WHEN a.attname LIKE '%\_as\_recorded' AND a.attname <> 'run_costs_as_recorded'
                THEN format('As %s, but by the rates and minutes of each day.', replace(a.attname, '_as_recorded', ''))
            WHEN c.relname = 'formula' THEN format('Setting %s.', a.attname)
            WHEN a.attname = what.dimension || '_id'
                THEN format('Key of the %s; 0 stands for none where there can be none.', replace(what.dimension, '_', ' '))
            WHEN a.attname = 'name' THEN format('Name of the %s at the controller.', replace(what.dimension, '_', ' '))
            WHEN a.attname IN ('organization_id', 'job_template_id', 'project_id', 'inventory_id')
                THEN format('The %s of the run; 0: none.', replace(replace(a.attname, '_id', ''), '_', ' '))
            WHEN a.attname IN ('organization', 'job_template', 'project', 'inventory', 'label', 'launched_by')
                THEN format('Name of the %s, with its cluster where another has the same name.',
                    CASE a.attname WHEN 'launched_by' THEN 'launcher' ELSE replace(a.attname, '_', ' ') END) END, general.words) AS words
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN LATERAL (SELECT substring(c.relname FROM 'dim_(.*)') AS dimension) what
        LEFT JOIN meaning own ON split_part(own.name, '.', 2) = a.attname AND c.relname = ANY (string_to_array(split_part(own.name, '.', 1), ','))
        LEFT JOIN meaning general ON general.name = a.attname
        WHERE c.relkind IN ('r', 'v')
            AND (c.relnamespace IN ('marts'::regnamespace, 'rollup'::regnamespace) OR c.oid = 'pipeline.changed_rate'::regclass)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.relation, item.name, item.words);
    END LOOP;
END $do$;

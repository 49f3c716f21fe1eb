-- What everything is; the data dictionary is made from these comments.
COMMENT ON SCHEMA marts IS 'What BI reads: savings of automation, exact, by day and by month, with the functions that answer a dashboard.';
COMMENT ON TABLE marts.dim_cluster IS 'One row a controller.';
COMMENT ON TABLE marts.dim_organization IS 'One row an organization of a cluster; 0 stands for none.';
COMMENT ON TABLE marts.dim_job_template IS 'One row a job template of a cluster; 0 stands for none.';
COMMENT ON TABLE marts.dim_project IS 'One row a project of a cluster; 0 stands for none.';
COMMENT ON TABLE marts.dim_user IS 'One row a launcher: a person, a schedule, a webhook; 0 stands for none.';
COMMENT ON TABLE marts.dim_label IS 'One row a label of a cluster.';
COMMENT ON TABLE marts.dim_host IS 'One row a host of a cluster; its ordinal is its bit in the host sets.';
COMMENT ON TABLE marts.dim_date IS 'One row a day, from the first to the last month with runs, with ISO weeks and the fiscal year of setting fiscal_year_start_month (named by the calendar year in which it ends).';
COMMENT ON TABLE marts.dim_label_set IS 'One row a distinct set of labels that a run carried; 0 is the empty set.';
COMMENT ON TABLE marts.bridge_label_set IS 'Which labels a label set holds. Join through it to filter by label without counting a run twice.';
COMMENT ON TABLE marts.workload IS 'One row a combination of cluster, organization, job template, project and label set that occurs: what runs for whom. Facts for the functions carry its key.';
COMMENT ON TABLE marts.series IS 'One row a workload, job type and status that occur together; facts carry its key.';
COMMENT ON TABLE marts.run_daily IS 'Quantities by day and series; additive. View savings_daily adds the dimensions and the money.';
COMMENT ON TABLE marts.run_monthly IS 'Quantities by month and series: the sum of run_daily. View savings_monthly adds the dimensions and the money.';
COMMENT ON TABLE marts.first_run IS 'The first run of each job template by job type and status: where creation_cost_basis once books the creation cost.';
COMMENT ON TABLE marts.activity_daily IS 'Jobs (with or without hosts) and hosts by day and organization, for charts.';
COMMENT ON TABLE marts.launches_daily IS 'Runs by day, series and launcher. View launches adds the dimensions.';
COMMENT ON TABLE marts.launches_pentad IS 'Runs by pentad (a month''s days 1-5, 6-10, ... and 26 to its end), workload and launcher: the sum of launches_daily, for function top_users.';
COMMENT ON TABLE marts.launches_monthly IS 'Runs by month, workload and launcher: the sum of launches_daily, for function top_users.';
COMMENT ON TABLE marts.workload_to_date IS 'Quantities by workload from the beginning of the month up to and including each day, for the functions.';
COMMENT ON TABLE marts.launcher_to_date IS 'Runs by organization and launcher from the beginning of the month up to and including each day, for function top_users.';
COMMENT ON TABLE marts.host_set_daily IS 'Which hosts a workload''s runs of a day touched, as bitmaps; ask function unique_hosts.';
COMMENT ON TABLE marts.host_set_pentad IS 'Which hosts a workload''s runs of a pentad touched: the union of host_set_daily.';
COMMENT ON TABLE marts.host_set_monthly IS 'Which hosts a workload''s runs of a month touched: the union of host_set_daily.';
COMMENT ON TABLE marts.organization_host_set_daily IS 'Which hosts an organization''s runs of a day touched, as bitmaps.';
COMMENT ON TABLE marts.organization_host_set_monthly IS 'Which hosts an organization''s runs of a month touched, as bitmaps.';
COMMENT ON TABLE marts.platform_month IS 'Elapsed time of each cluster by month, over which cost_model subscription spreads the price of the platform. Not by organization: a reader of some organizations sees none of it, only the sums in population_month.';
COMMENT ON TABLE marts.formula IS 'One row: the settings that all money obeys, as read from common_settings by trigger.';
COMMENT ON TABLE marts.rate_history IS 'Every rate that was set, from which day, for everyone (0, 0), a cluster, or an organization: an organization''s own comes before its cluster''s, that before everyone''s. A value of NULL ends an override. The subscription''s price is everyone''s only.';
COMMENT ON TABLE marts.rate_period IS 'The rates that hold for each organization of each cluster in each period: rate_history resolved, but for the subscription''s price (view subscription_price).';
COMMENT ON TABLE marts.template_minutes IS 'Minutes of each job template with their history, kept by trigger.';
COMMENT ON TABLE marts.bi_access IS 'Which organizations a database role may see. A role that is not listed, and inherits none that is, sees all; a login that is listed stays so whatever SET ROLE it does.';
COMMENT ON TABLE public.common_currency_rate IS 'What one unit of from_currency is worth in to_currency, from rate_date on.';
COMMENT ON TABLE pipeline.changed_rate IS 'Changes of rates and minutes whose costs as recorded are still to be computed.';
COMMENT ON TABLE pipeline.rebuild_due IS 'Clusters whose marts must be built anew, and why.';
COMMENT ON VIEW marts.savings_daily IS 'Runs, hosts, minutes, costs and savings by day, cluster, organization, job template, project, label set, job type and status. Every measure adds up.';
COMMENT ON VIEW marts.savings_monthly IS 'The same by month: the sum of savings_daily.';
COMMENT ON VIEW marts.template_monthly IS 'Savings by month and job template, with the template''s savings cumulated so far.';
COMMENT ON VIEW marts.organization_monthly IS 'Savings by month and organization, with the organization''s savings cumulated so far.';
COMMENT ON VIEW marts.kpi_daily IS 'Key figures by day and cluster, unique hosts of the day included (those do not add up over days).';
COMMENT ON VIEW marts.launches IS 'Who launched how many runs, by day, with all dimensions.';
COMMENT ON VIEW marts.payback IS 'When each job template had paid for its creation: the first day from which its cumulated savings stay above zero.';
COMMENT ON VIEW marts.fct_job_run IS 'One row a successful or failed job, with its money by the rates in force; read from core.';
COMMENT ON VIEW marts.freshness IS 'How fresh each cluster''s figures are: last sync, newest job, and what is still to come.';
COMMENT ON VIEW marts.recorded_daily IS 'Quantities by day and series, with what they cost by the rates and minutes of the day.';
COMMENT ON VIEW marts.current_rate IS 'The rates in force today for each organization of each cluster.';
COMMENT ON VIEW marts.series_price IS 'Series with the minutes and rates that price them today.';
COMMENT ON VIEW marts.counted_first_run IS 'The first run of each job template that the population of the settings counts.';
COMMENT ON VIEW marts.population_first_run IS 'The first run of each job template under each choice of savings_population and count_check_mode.';
COMMENT ON VIEW marts.population_month IS 'The platform''s price and elapsed time by month under each choice of savings_population and count_check_mode, where there is a price.';
COMMENT ON VIEW marts.subscription_price IS 'What the platform costs a month under cost_model subscription, with its history; nothing before the first row.';
COMMENT ON VIEW marts.subscription_month IS 'The platform''s price and elapsed time by month, under cost_model subscription.';
COMMENT ON VIEW marts.counted_job IS 'Successful and failed jobs of core, for charts by the hour.';
COMMENT ON VIEW marts.counted_job_label IS 'Labels of core''s jobs, for charts by the hour.';
COMMENT ON VIEW marts.currency_rate IS 'Exchange rates, as in common_currency_rate.';
COMMENT ON FUNCTION marts.savings_by_template IS 'Runs, costs and savings by job template between two days, both included; the specification''s first query.';
COMMENT ON FUNCTION marts.totals IS 'One row: runs, hosts, unique hosts, hours, costs, savings, time saved, ROI between two days, both included.';
COMMENT ON FUNCTION marts.job_counts IS 'Jobs and hosts by hour, day, week, month, quarter or year, gaps filled with zeros; the specification''s second query. job_count includes jobs without hosts, as that query does.';
COMMENT ON FUNCTION marts.unique_hosts IS 'How many different hosts runs touched between two days, both included; the specification''s third query.';
COMMENT ON FUNCTION marts.top_users IS 'The n launchers with the most runs.';
COMMENT ON FUNCTION marts.top_projects IS 'The n projects with the most runs, with their savings.';
COMMENT ON FUNCTION marts.formula_comparison IS 'Costs and savings under every choice of the formula''s settings, side by side; in_force marks the one that holds.';
COMMENT ON FUNCTION marts.sees_all IS 'Whether the reader sees every organization.';
COMMENT ON FUNCTION marts.visible_organizations IS 'The organizations that bi_access gives the reader; NULL: all.';
COMMENT ON FUNCTION marts.today IS 'Today in the reporting time zone.';
COMMENT ON FUNCTION marts.day_start IS 'When a day begins in a time zone: its first instant, also where clocks go back past midnight.';
COMMENT ON FUNCTION marts.pentad IS 'First day of the pentad that a day lies in: a month''s days 1-5, 6-10, ... and 26 to its end.';
COMMENT ON FUNCTION marts.next_pentad IS 'First day of the pentad after this one.';
COMMENT ON FUNCTION marts.split IS 'How a range of days splits into whole months, whole pentads and days at its edges.';
COMMENT ON FUNCTION marts.matching_workloads IS 'The workloads that a function''s filters keep.';
COMMENT ON FUNCTION marts.to_date_terms IS 'The dates of the tables to date whose sums, taken with their signs, are those of a range of days.';
COMMENT ON FUNCTION marts.template_quantities IS 'Quantities of each cluster, organization, job template and project between two days.';
COMMENT ON FUNCTION marts.template_money IS 'The same with their money: what the functions add up.';
COMMENT ON FUNCTION marts.subscription_cost IS 'The subscription''s charge for run time between two days, by cluster, organization, job template and project.';
COMMENT ON FUNCTION marts.conversion IS 'Units of a currency for one unit of the configured one, by the newest rate known on a day.';
COMMENT ON FUNCTION marts.set_rate IS 'Sets a rate (manual, automated, hourly, subscription) from a day on, for everyone, a cluster or an organization, notes what must be recomputed, and gives the day: without one today, or always for everyone''s first.';
COMMENT ON FUNCTION marts.setting IS 'A setting''s text, or its default.';
COMMENT ON FUNCTION marts.checked_number IS 'A setting''s value as a number between two bounds; refuses others by the setting''s name.';
COMMENT ON FUNCTION marts.checked_setting IS 'A setting that must be one of a few words.';
COMMENT ON FUNCTION marts.read_formula IS 'Reads the settings into marts.formula, and notes what must be rebuilt.';
COMMENT ON FUNCTION marts.fill_dates IS 'Adds days to dim_date.';
COMMENT ON FUNCTION marts.rate_on IS 'The rate that holds for an organization of a cluster on a day: its own before the cluster''s before everyone''s.';
COMMENT ON FUNCTION marts.resolved_rates IS 'The periods of rate_period, computed from rate_history.';

-- One description a column name: it means the same wherever it stands.
DO $$
DECLARE
    item RECORD;
BEGIN
    FOR item IN
        SELECT c.oid::regclass AS relation, a.attname AS name, d.words
        FROM (VALUES
            ('date', 'Day in the reporting time zone on which the runs finished.'),
            ('month', 'First day of the month in the reporting time zone; in dim_date, the number of the month.'),
            ('pentad', 'First day of the pentad in the reporting time zone.'),
            ('cluster_id', 'The controller; 0 in rate_history: all.'), ('cluster', 'Name of the controller.'),
            ('organization_id', 'The organization of the run; 0: none.'), ('organization', 'Id (in views: name) of the organization.'),
            ('job_template_id', 'The job template; 0: none.'), ('job_template', 'Name of the job template.'),
            ('project_id', 'The project; 0: none.'), ('label_set_id', 'The set of labels; 0: no label.'),
            ('label_id', 'The label.'), ('user_id', 'Who launched; 0: nobody known.'), ('host_id', 'The host.'),
            ('workload_id', 'What ran for whom: organization, job template, project and label set.'),
            ('series_id', 'The combination of dimensions.'), ('job_id', 'The job in core (clusters_job.id).'),
            ('job_type', 'run, check or scan.'), ('status', 'successful or failed.'), ('launch_type', 'How the job was launched.'),
            ('external_id', 'The job''s id at the controller.'), ('name', 'Name, as at the controller.'),
            ('address', 'Host name of the controller.'), ('aap_version', 'Version of the controller.'),
            ('enabled', 'Whether the controller is synced.'), ('removed', 'Whether the controller no longer has it.'),
            ('type', 'user, schedule, …'), ('label_key', 'Ids of the labels, ascending, comma-separated.'),
            ('ordinal', 'Number of the host within its cluster, from 0, never reused.'),
            ('runs', 'Successful and failed jobs with at least one host.'),
            ('successful_runs', 'Runs that were successful.'), ('failed_runs', 'Runs that failed.'),
            ('runs_without_hosts', 'Successful or failed jobs without a host: no runs, but charts count them.'),
            ('runs_without_template', 'Runs whose job template is unknown: counted, without money.'),
            ('provisional_runs', 'Jobs whose host summaries may still arrive.'), ('provisional', 'Host summaries that may still arrive.'),
            ('jobs', 'Successful and failed jobs, with or without hosts.'),
            ('hosts', 'Hosts, once for each run (in host sets: the bitmap; bit i of chunk c is the host with ordinal 1024 c + i).'),
            ('chunk', 'Which 1,024 ordinals of the cluster the bitmap stands for.'),
            ('unique_hosts', 'Different hosts.'),
            ('changed_hosts', 'Hosts with a change.'), ('dark_hosts', 'Hosts that could not be reached.'),
            ('failures_hosts', 'Hosts with a failed task.'), ('ok_hosts', 'Hosts with a successful task.'),
            ('processed_hosts', 'Hosts that were processed.'), ('skipped_hosts', 'Hosts with a skipped task.'),
            ('failed_hosts', 'Hosts that failed as a whole.'), ('ignored_hosts', 'Hosts with an ignored failure.'),
            ('rescued_hosts', 'Hosts with a rescued failure.'),
            ('elapsed_ms', 'Run time in milliseconds.'), ('elapsed_seconds', 'Run time in seconds.'),
            ('manual_minutes', 'Minutes by hand: for one host in template_minutes and series_price, for all hosts elsewhere.'),
            ('creation_minutes', 'Minutes to create the automation: once in template_minutes and series_price, as booked elsewhere.'),
            ('manual_costs', 'Hosts x manual minutes x manual rate.'),
            ('creation_costs', 'Creation minutes x manual rate, as settings enable_template_creation_time and creation_cost_basis say.'),
            ('run_costs', 'Run time x automated rate, or the subscription''s share.'),
            ('automated_costs', 'Creation costs + run costs.'), ('savings', 'Manual costs - automated costs.'),
            ('failed_run_costs', 'Run costs of failed runs.'),
            ('failed_run_costs_as_recorded', 'Run costs of failed runs by the rates of the day.'),
            ('time_savings_seconds', 'Manual time - creation time - run time, in seconds.'),
            ('cumulated_savings', 'Savings up to and including the month (payback: to date, creation paid once).'),
            ('cumulated_savings_as_recorded', 'The same by the rates and minutes of each day.'),
            ('payback_date_as_recorded', 'Day from which cumulated savings as recorded stay above zero; NULL: not yet.'),
            ('manual_costs_as_recorded', 'Manual costs by the rates and minutes of the day.'),
            ('automated_costs_as_recorded', 'Automated costs by the rates and minutes of the day.'),
            ('creation_costs_as_recorded', 'Creation costs by the rates and minutes of the day.'),
            ('run_costs_as_recorded', 'Run costs by the rates of the day; under cost_model subscription, the share of the price in force on the first day of the month.'),
            ('savings_as_recorded', 'Manual costs - automated costs, as recorded.'),
            ('manual_cents_as_recorded', 'Manual costs by the rates and minutes of the day, in cents; in sixtieths of a cent where recorded_by_subscription.'),
            ('creation_cents_as_recorded', 'Creation costs of every run by the rates and minutes of the day, in cents; in sixtieths of a cent where recorded_by_subscription.'),
            ('run_cent_ms_as_recorded', 'Run time in milliseconds x the day''s automated rate in cents a minute; divide by 6,000,000.'),
            ('recorded_by_subscription', 'Whether money as recorded is by cost_model subscription: as of the cluster''s last refresh.'),
            ('recorded_divisor', 'Parts of a unit of money in which costs as recorded are summed: cents, or sixtieths of them.'),
            ('price_as_recorded', 'Price of the platform on the first day of the month.'),
            ('successful_hosts', 'Hosts of successful runs.'),
            ('check_runs', 'Runs, those in check mode.'),
            ('check_successful_runs', 'Successful runs, those in check mode.'),
            ('check_provisional_runs', 'provisional_runs, those in check mode.'),
            ('check_runs_without_hosts', 'runs_without_hosts, those in check mode.'),
            ('check_hosts', 'Hosts, those in check mode.'),
            ('check_successful_hosts', 'Hosts of successful runs, those in check mode.'),
            ('successful_elapsed_ms', 'Run time in milliseconds of successful runs.'),
            ('successful_manual_cents_as_recorded', 'manual_cents_as_recorded of successful runs.'),
            ('successful_creation_cents_as_recorded', 'creation_cents_as_recorded of successful runs.'),
            ('successful_run_cent_ms_as_recorded', 'run_cent_ms_as_recorded of successful runs.'),
            ('check_elapsed_ms', 'Run time in milliseconds, those in check mode.'),
            ('check_successful_elapsed_ms', 'Run time in milliseconds of successful runs, those in check mode.'),
            ('check_manual_cents_as_recorded', 'manual_cents_as_recorded, those in check mode.'),
            ('check_successful_manual_cents_as_recorded', 'manual_cents_as_recorded of successful runs, those in check mode.'),
            ('check_creation_cents_as_recorded', 'creation_cents_as_recorded, those in check mode.'),
            ('check_successful_creation_cents_as_recorded', 'creation_cents_as_recorded of successful runs, those in check mode.'),
            ('check_run_cent_ms_as_recorded', 'run_cent_ms_as_recorded, those in check mode.'),
            ('check_successful_run_cent_ms_as_recorded', 'run_cent_ms_as_recorded of successful runs, those in check mode.'),
            ('check_mode', 'Whether the runs were in check mode.'), ('finished', 'When the job finished.'), ('started', 'When the job started.'),
            ('counted', 'Whether the settings count the job towards savings.'), ('counts', 'Whether the settings count the series towards savings.'),
            ('num_hosts', 'Hosts of the job.'),
            ('valid_from', 'First day on which it holds.'), ('valid_to', 'First day on which it no longer holds; 9999-12-31: none yet.'),
            ('manual', 'What a minute of manual work costs.'), ('automated', 'What a minute of run time costs.'),
            ('hourly', 'What an hour of a person costs under cost_model subscription.'),
            ('manual_cents', 'manual in cents.'), ('automated_cents', 'automated in cents.'), ('hourly_cents', 'hourly in cents.'),
            ('person_hour', 'What an hour of a person costs: the manual rate x 60, or the hourly rate under cost_model subscription.'),
            ('creation_cost_60_as_recorded', 'Creation costs by the rate and minutes of the day of the first run, x 60.'),
            ('source', 'default, estimated or set.'), ('minutes_source', 'Where the manual minutes come from: default, estimated or set.'),
            ('rate_type', 'manual, automated, hourly or subscription.'), ('value', 'Money a minute (hourly: an hour, subscription: a month).'), ('set_at', 'When it was set.'), ('set_by', 'The database role that set it.'),
            ('role', 'Database role.'), ('from_currency', 'ISO code.'), ('to_currency', 'ISO code.'), ('rate_date', 'First day of the rate.'),
            ('rate', 'Units of to_currency for one of from_currency.'),
            ('first_run_date', 'Day of the template''s first counted run.'), ('payback_date', 'Day from which cumulated savings stay above zero; NULL: not yet.'),
            ('last_sync', 'When the last sync ended.'), ('last_outcome', 'How it ended.'), ('newest_job', 'Finish time of the newest job synced.'),
            ('newest_job_age_seconds', 'How long ago that is.'), ('lag_seconds', 'How far the last sync was behind the controller.'),
            ('quarantined', 'Records in quarantine.'), ('days_to_refresh', 'Changed days not yet in the marts.'),
            ('price', 'Price of the platform for a month; beside a month, the price in force today.'), ('noted_at', 'When it was noted.'), ('reason', 'Why.'), ('id', 'Key.'),
            ('internal_created', 'When the row was made.'), ('internal_modified', 'When the row was last changed.'),
            ('year', 'Calendar year.'), ('quarter', 'Quarter, 1-4.'), ('day', 'Day of the month.'), ('year_month', 'YYYY-MM.'),
            ('month_start', 'First day of the month.'), ('month_name', 'English name.'), ('iso_year', 'Year of the ISO week.'),
            ('iso_week', 'ISO week, 1-53.'), ('iso_year_week', 'YYYY-Www.'), ('week_start', 'Monday of the week.'), ('weekday', '1 (Monday) to 7.'),
            ('weekday_name', 'English name.'), ('is_weekend', 'Saturday or Sunday.'), ('fiscal_year', 'Fiscal year, named by the calendar year in which it ends.'),
            ('fiscal_quarter', 'Quarter of the fiscal year.'), ('fiscal_month', 'Month of the fiscal year, 1-12.'),
            ('only_row', 'Always true.'), ('count_creation', 'Setting enable_template_creation_time.'), ('creation_once', 'Whether setting creation_cost_basis is once.'),
            ('subscription', 'Whether setting cost_model is subscription.'), ('successful_only', 'Whether setting savings_population is successful_only.'),
            ('count_check_mode', 'Setting count_check_mode.'), ('reporting_timezone', 'Setting reporting_timezone.'),
            ('fiscal_year_start_month', 'Setting fiscal_year_start_month.'), ('hours_per_fte', 'Setting hours_per_fte.'), ('default_manual_minutes', 'Setting default_manual_minutes.'),
            ('default_creation_minutes', 'Setting default_creation_minutes.'), ('estimate_template_minutes', 'Setting estimate_template_minutes.'),
            ('currency', 'ISO code of the configured currency.'), ('currency_symbol', 'Its symbol.')
        ) AS d (name, words)
        JOIN pg_catalog.pg_attribute a ON a.attname = d.name AND a.attnum > 0
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v')
        WHERE c.relnamespace = 'marts'::regnamespace
           OR c.oid IN ('pipeline.changed_rate'::regclass, 'pipeline.rebuild_due'::regclass, 'public.common_currency_rate'::regclass)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.relation, item.name, item.words);
    END LOOP;
END $$;

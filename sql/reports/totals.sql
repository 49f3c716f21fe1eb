-- The savings in total, one row. Reads the marts only.
SELECT runs, successful_runs, failed_runs, hosts, unique_hosts, elapsed, elapsed_hours, manual_costs, automated_costs, savings,
    time_savings_seconds, time_savings_hours, roi, runs_without_template, provisional_runs, job_templates_run, creation_costs, run_costs,
    failed_run_costs, fte, manual_costs_as_recorded, automated_costs_as_recorded, savings_as_recorded, currency_code,
    creation_costs_as_recorded, run_costs_as_recorded, failed_run_costs_as_recorded
FROM marts.totals(%(from_date)s, %(to_date)s, clusters := %(clusters)s, organizations := %(organizations)s,
    job_templates := %(job_templates)s, projects := %(projects)s, labels := %(labels)s, inventories := %(inventories)s,
    currency := %(currency)s)

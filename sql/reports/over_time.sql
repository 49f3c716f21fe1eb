-- Totals per day, week, month, quarter or year of the range, truncated at its ends. Reads the marts only.
SELECT b.first AS bucket_date, t.runs, t.successful_runs, t.failed_runs, t.hosts, t.unique_hosts, t.manual_costs, t.automated_costs,
    t.savings, t.manual_costs_as_recorded, t.automated_costs_as_recorded, t.savings_as_recorded
FROM (
    SELECT at::date AS first, (at + step)::date - 1 AS last
    FROM (SELECT CASE %(step)s WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || %(step)s)::interval END AS step) s
    CROSS JOIN LATERAL generate_series(date_trunc(%(step)s, %(from_date)s::timestamp), %(to_date)s::timestamp, step) AS g (at)
) b
CROSS JOIN LATERAL marts.totals(greatest(b.first, %(from_date)s), least(b.last, %(to_date)s), clusters := %(clusters)s,
    organizations := %(organizations)s, job_templates := %(job_templates)s, projects := %(projects)s, labels := %(labels)s,
    inventories := %(inventories)s, currency := %(currency)s) t
ORDER BY b.first

-- Payback of the templates of a report, over their whole history. Reads the marts only.
SELECT p.job_template AS name, p.first_run_date, round(p.creation_costs * c.factor, 11) AS creation_costs, p.payback_date,
    round(p.cumulated_savings * c.factor, 11) AS saved_since_first_run,
    round(p.creation_costs_as_recorded * c.factor, 11) AS creation_costs_as_recorded, p.payback_date_as_recorded,
    round(p.cumulated_savings_as_recorded * c.factor, 11) AS saved_since_first_run_as_recorded
FROM marts.payback p CROSS JOIN (SELECT rollup.conversion(%(currency)s, %(to_date)s) AS factor) c
WHERE p.job_template_id = ANY (%(shown)s)
ORDER BY p.payback_date DESC NULLS FIRST, p.job_template

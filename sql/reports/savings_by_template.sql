-- Savings by job template. Reads the marts only.
SELECT d.job_template AS name, t.job_template_id, o.organization, c.cluster, t.runs, t.successful_runs, t.failed_runs, t.num_hosts, t.elapsed,
    t.manual_costs, t.automated_costs, t.savings, t.manual_costs_as_recorded, t.automated_costs_as_recorded, t.savings_as_recorded
FROM marts.savings_by_template(%(from_date)s, %(to_date)s, clusters := %(clusters)s, organizations := %(organizations)s,
    job_templates := %(job_templates)s, projects := %(projects)s, labels := %(labels)s, inventories := %(inventories)s,
    currency := %(currency)s) t
JOIN marts.dim_job_template d ON d.job_template_id = t.job_template_id
LEFT JOIN marts.dim_organization o ON o.organization_id = t.organization_id
LEFT JOIN marts.dim_cluster c ON c.cluster_id = t.cluster_id
ORDER BY t.savings DESC, d.job_template

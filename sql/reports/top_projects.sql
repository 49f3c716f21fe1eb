-- The projects with the most runs. Reads the marts only.
SELECT d.project AS name, c.cluster, p.runs, p.successful_runs, p.failed_runs, p.hosts, p.savings, p.savings_as_recorded
FROM marts.top_projects(%(from_date)s, %(to_date)s, 10, clusters := %(clusters)s, organizations := %(organizations)s,
    job_templates := %(job_templates)s, projects := %(projects)s, labels := %(labels)s, inventories := %(inventories)s,
    currency := %(currency)s) p
JOIN marts.dim_project d ON d.project_id = p.project_id
LEFT JOIN marts.dim_cluster c ON c.cluster_id = p.cluster_id
ORDER BY p.runs DESC, d.project

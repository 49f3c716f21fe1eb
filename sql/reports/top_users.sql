-- The users with the most launches. Reads the marts only.
SELECT d.launched_by AS name, c.cluster, u.runs, u.successful_runs, u.failed_runs, u.hosts
FROM marts.top_users(%(from_date)s, %(to_date)s, 10, clusters := %(clusters)s, organizations := %(organizations)s,
    job_templates := %(job_templates)s, projects := %(projects)s, labels := %(labels)s, inventories := %(inventories)s,
    types := ARRAY['user']) u
JOIN marts.dim_user d ON d.user_id = u.user_id
LEFT JOIN marts.dim_cluster c ON c.cluster_id = u.cluster_id
ORDER BY u.runs DESC, d.launched_by

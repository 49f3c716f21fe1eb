-- Templates of one cluster or (0) of all, with their minutes and runs. Index: none, savings_monthly is read whole.
SELECT t.id, c.name AS cluster, o.name AS organization, COALESCE(t.full_name, t.name) AS name,
    t.time_taken_manually_execute_minutes AS manual_minutes, t.time_taken_create_automation_minutes AS creation_minutes,
    COALESCE(m.source, 'default') AS source, COALESCE(m.excluded, FALSE) AS excluded, COALESCE(r.runs, 0)::bigint AS runs
FROM clusters_jobtemplate t
JOIN clusters_cluster c ON c.id = t.cluster_id
LEFT JOIN clusters_organization o ON o.id = t.organization_id
LEFT JOIN marts.template_minutes m ON m.job_template_id = t.id AND m.valid_to = '9999-12-31'
LEFT JOIN (SELECT job_template_id, sum(runs) AS runs FROM marts.savings_monthly GROUP BY 1) r ON r.job_template_id = t.id
WHERE %(cluster_id)s::int IN (0, t.cluster_id)
ORDER BY c.name, t.name, t.id

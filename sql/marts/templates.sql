-- Templates of one cluster or (0) of all, with their minutes and runs. Index: marts.run_monthly's primary key.
SELECT t.id, c.name, o.name, COALESCE(t.full_name, t.name), t.time_taken_manually_execute_minutes,
    t.time_taken_create_automation_minutes, m.source, COALESCE(r.runs, 0)::bigint
FROM clusters_jobtemplate t
JOIN clusters_cluster c ON c.id = t.cluster_id
LEFT JOIN clusters_organization o ON o.id = t.organization_id
JOIN marts.template_minutes m ON m.job_template_id = t.id AND m.valid_to = '9999-12-31'
LEFT JOIN (
    SELECT s.job_template_id, sum(d.runs) AS runs FROM marts.run_monthly d JOIN marts.series s USING (series_id) GROUP BY 1
) r ON r.job_template_id = t.id
WHERE %(cluster_id)s::int IN (0, t.cluster_id)
ORDER BY c.name, t.name, t.id

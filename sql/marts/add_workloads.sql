-- A key for each combination of organization, job template, project and label set that is new. Index: marts.workload's
-- unique key.
INSERT INTO marts.workload (cluster_id, organization_id, job_template_id, project_id, label_set_id)
SELECT DISTINCT %(cluster_id)s::int, j.organization_id, j.job_template_id, j.project_id, l.label_set_id
FROM marts_job j
JOIN marts.dim_label_set l ON l.label_key = j.label_key AND (l.cluster_id = %(cluster_id)s OR l.label_set_id = 0)
EXCEPT
SELECT cluster_id, organization_id, job_template_id, project_id, label_set_id
FROM marts.workload WHERE cluster_id = %(cluster_id)s

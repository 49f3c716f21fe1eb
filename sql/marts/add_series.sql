-- A key for each combination of workload, job type and status that is new. Indexes: the unique keys of marts.workload and
-- marts.series.
INSERT INTO marts.series (workload_id, cluster_id, organization_id, job_template_id, project_id, label_set_id, job_type, status)
SELECT DISTINCT w.*, j.job_type, j.status
FROM marts_job j
JOIN marts.dim_label_set l ON l.label_key = j.label_key AND (l.cluster_id = %(cluster_id)s OR l.label_set_id = 0)
JOIN marts.workload w ON w.cluster_id = %(cluster_id)s AND w.organization_id = j.organization_id
    AND w.job_template_id = j.job_template_id AND w.project_id = j.project_id AND w.label_set_id = l.label_set_id
WHERE NOT EXISTS (
    SELECT FROM marts.series s
    WHERE s.workload_id = w.workload_id AND s.job_type = j.job_type AND s.status = j.status)

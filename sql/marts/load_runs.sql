-- The jobs with the key of their series.
INSERT INTO marts_run
SELECT s.series_id, j.*
FROM marts_job j
JOIN marts.dim_label_set l ON l.label_key = j.label_key AND (l.cluster_id = %(cluster_id)s OR l.label_set_id = 0)
JOIN marts.series s ON s.cluster_id = %(cluster_id)s AND s.organization_id = j.organization_id
    AND s.job_template_id = j.job_template_id AND s.project_id = j.project_id AND s.label_set_id = l.label_set_id
    AND s.job_type = j.job_type AND s.status = j.status

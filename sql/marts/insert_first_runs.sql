-- The first run of each template that has runs but no first run on record. Index: marts.series_template_idx,
-- marts.run_daily's primary key, clusters_job_finished_idx for the one day.
INSERT INTO marts.first_run (job_template_id, job_type, status, series_id, job_id, date, finished)
SELECT k.job_template_id, k.job_type, k.status, s.series_id, j.id, k.date, j.finished
FROM (
    SELECT s.job_template_id, s.job_type, s.status, min(d.date) AS date
    FROM marts.series s JOIN marts.run_daily d USING (series_id)
    WHERE s.cluster_id = %(cluster_id)s AND s.job_template_id <> 0 AND d.runs > 0
      AND NOT EXISTS (
        SELECT FROM marts.first_run f
        WHERE f.job_template_id = s.job_template_id AND f.job_type = s.job_type AND f.status = s.status)
    GROUP BY 1, 2, 3
) k
CROSS JOIN marts.formula f
CROSS JOIN LATERAL (
    SELECT j.*, (SELECT string_agg(x.label_id::text, ',' ORDER BY x.label_id) FROM archive.all_job_labels x WHERE x.job_id = j.id)
        AS label_key
    FROM archive.all_jobs j
    WHERE j.finished >= marts.day_start(k.date, f.reporting_timezone)
      AND j.finished < marts.day_start(k.date + 1, f.reporting_timezone)
      AND j.job_template_id = k.job_template_id AND COALESCE(j.job_type, 'run') = k.job_type AND j.status = k.status
      AND j.num_hosts > 0 AND j.cluster_id = %(cluster_id)s
    ORDER BY j.finished, j.id LIMIT 1
) j
JOIN marts.dim_label_set l ON l.label_key = COALESCE(j.label_key, '') AND (l.cluster_id = %(cluster_id)s OR l.label_set_id = 0)
JOIN marts.series s ON s.cluster_id = %(cluster_id)s AND s.organization_id = COALESCE(j.organization_id, 0)
    AND s.job_template_id = k.job_template_id AND s.project_id = COALESCE(j.project_id, 0)
    AND s.label_set_id = l.label_set_id AND s.job_type = k.job_type AND s.status = k.status
ON CONFLICT DO NOTHING

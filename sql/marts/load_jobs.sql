-- The successful and failed jobs that finished on the days to build. Index: clusters_job_finished_idx, one range a day,
-- and clusters_joblabel_job_label_idx.
INSERT INTO marts_job
SELECT d.date, COALESCE(j.organization_id, 0), COALESCE(j.job_template_id, 0), COALESCE(j.project_id, 0),
    COALESCE(j.launched_by_id, 0), COALESCE(l.label_key, ''), j.id, COALESCE(j.job_type, 'run'), j.status, j.elapsed,
    COALESCE(j.num_hosts, 0), j.provisional, j.changed_hosts_count, j.dark_hosts_count, j.failures_hosts_count,
    j.ok_hosts_count, j.processed_hosts_count, j.skipped_hosts_count, j.failed_hosts_count, j.ignored_hosts_count,
    j.rescued_hosts_count
FROM marts_day d
JOIN archive.all_jobs j ON j.finished >= d.starts AND j.finished < d.ends
LEFT JOIN LATERAL (
    SELECT string_agg(x.label_id::text, ',' ORDER BY x.label_id) AS label_key FROM archive.all_job_labels x WHERE x.job_id = j.id
) l ON TRUE
WHERE j.cluster_id = %(cluster_id)s AND j.status IN ('successful', 'failed')

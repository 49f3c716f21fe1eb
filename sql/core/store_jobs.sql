-- Upsert a batch's jobs. A known job takes every value of its newest document, but keeps stored references that the
-- document lacks, because the controller has deleted the referenced object. Gives id and finished day of each. Uses
-- clusters_job_cluster_external_idx and archive.clusters_job_cluster_external_idx.
INSERT INTO clusters_job (
    cluster_id,
    external_id, type, job_type, launch_type, job_slice_number, job_slice_count, name, full_name, description, status, started, never_started,
    clock_ran_backwards, finished, elapsed, failed, created, modified, provisional, fingerprint, num_hosts,
    changed_hosts_count, dark_hosts_count, failures_hosts_count, ok_hosts_count, processed_hosts_count,
    skipped_hosts_count, failed_hosts_count, ignored_hosts_count, rescued_hosts_count,
    organization_id, job_template_id, project_id, inventory_id, execution_environment_id, instance_group_id,
    launched_by_id
)
SELECT
    %(cluster_id)s,
    i.external_id, i.type, i.job_type, i.launch_type, i.job_slice_number, i.job_slice_count, i.name, i.full_name, i.description, i.status, i.started,
    i.never_started, i.clock_ran_backwards, i.finished, i.elapsed, i.failed, i.created, i.modified, i.provisional,
    i.fingerprint, i.num_hosts, i.changed_hosts_count, i.dark_hosts_count, i.failures_hosts_count, i.ok_hosts_count,
    i.processed_hosts_count, i.skipped_hosts_count, i.failed_hosts_count, i.ignored_hosts_count, i.rescued_hosts_count,
    COALESCE(i.organization_id, known.organization_id), COALESCE(i.job_template_id, known.job_template_id),
    COALESCE(i.project_id, known.project_id), COALESCE(i.inventory_id, known.inventory_id),
    COALESCE(i.execution_environment_id, known.execution_environment_id),
    COALESCE(i.instance_group_id, known.instance_group_id),
    CASE WHEN i.launcher_named THEN i.launched_by_id ELSE COALESCE(known.launched_by_id, i.launched_by_id) END
FROM core_incoming_job i
LEFT JOIN archive.all_jobs known ON known.cluster_id = %(cluster_id)s AND known.external_id = i.external_id
ORDER BY i.external_id
ON CONFLICT (cluster_id, external_id) DO UPDATE SET
    type = EXCLUDED.type, job_type = EXCLUDED.job_type, launch_type = EXCLUDED.launch_type,
    job_slice_number = EXCLUDED.job_slice_number, job_slice_count = EXCLUDED.job_slice_count, name = EXCLUDED.name,
    full_name = EXCLUDED.full_name, description = EXCLUDED.description, status = EXCLUDED.status, started =
    EXCLUDED.started, never_started = EXCLUDED.never_started, clock_ran_backwards = EXCLUDED.clock_ran_backwards,
    finished = EXCLUDED.finished, elapsed = EXCLUDED.elapsed, failed = EXCLUDED.failed, created = EXCLUDED.created,
    modified = EXCLUDED.modified,
    provisional = EXCLUDED.provisional, fingerprint = EXCLUDED.fingerprint, num_hosts = EXCLUDED.num_hosts,
    changed_hosts_count = EXCLUDED.changed_hosts_count, dark_hosts_count = EXCLUDED.dark_hosts_count,
    failures_hosts_count = EXCLUDED.failures_hosts_count, ok_hosts_count = EXCLUDED.ok_hosts_count,
    processed_hosts_count = EXCLUDED.processed_hosts_count, skipped_hosts_count = EXCLUDED.skipped_hosts_count,
    failed_hosts_count = EXCLUDED.failed_hosts_count, ignored_hosts_count = EXCLUDED.ignored_hosts_count,
    rescued_hosts_count = EXCLUDED.rescued_hosts_count, organization_id = EXCLUDED.organization_id, job_template_id
    = EXCLUDED.job_template_id, project_id = EXCLUDED.project_id, inventory_id = EXCLUDED.inventory_id,
    execution_environment_id = EXCLUDED.execution_environment_id, instance_group_id = EXCLUDED.instance_group_id,
    launched_by_id = EXCLUDED.launched_by_id,
    internal_modified = NOW()
RETURNING external_id, id, (finished AT TIME ZONE %(timezone)s)::date

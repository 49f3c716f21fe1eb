-- Store a batch's jobs: a known one takes every value of its newest document. Gives id and finished day of each.
-- Uses clusters_job_cluster_external_idx.
INSERT INTO clusters_job (
    cluster_id,
    external_id, type, job_type, launch_type, job_slice_number, job_slice_count, name, full_name, description, status, started, never_started,
    finished, elapsed, failed, created, modified, provisional, fingerprint, num_hosts, changed_hosts_count,
    dark_hosts_count, failures_hosts_count, ok_hosts_count, processed_hosts_count, skipped_hosts_count,
    failed_hosts_count, ignored_hosts_count, rescued_hosts_count, organization_id, job_template_id, project_id,
    inventory_id, execution_environment_id, instance_group_id, launched_by_id
)
SELECT
    %(cluster_id)s,
    external_id, type, job_type, launch_type, job_slice_number, job_slice_count, name, full_name, description, status, started, never_started,
    finished, elapsed, failed, created, modified, provisional, fingerprint, num_hosts, changed_hosts_count,
    dark_hosts_count, failures_hosts_count, ok_hosts_count, processed_hosts_count, skipped_hosts_count,
    failed_hosts_count, ignored_hosts_count, rescued_hosts_count, organization_id, job_template_id, project_id,
    inventory_id, execution_environment_id, instance_group_id, launched_by_id
FROM core_incoming_job ORDER BY external_id
ON CONFLICT (cluster_id, external_id) DO UPDATE SET
    type = EXCLUDED.type, job_type = EXCLUDED.job_type, launch_type = EXCLUDED.launch_type,
    job_slice_number = EXCLUDED.job_slice_number, job_slice_count = EXCLUDED.job_slice_count, name = EXCLUDED.name,
    full_name = EXCLUDED.full_name, description = EXCLUDED.description, status = EXCLUDED.status, started =
    EXCLUDED.started, never_started = EXCLUDED.never_started, finished = EXCLUDED.finished, elapsed =
    EXCLUDED.elapsed, failed = EXCLUDED.failed, created = EXCLUDED.created, modified = EXCLUDED.modified,
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

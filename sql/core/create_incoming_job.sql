-- Temporary table of a batch's jobs with resolved references, stored by one statement; emptied at each commit.
CREATE TEMPORARY TABLE IF NOT EXISTS core_incoming_job (
    external_id INTEGER, type TEXT, job_type TEXT, launch_type TEXT, job_slice_number INTEGER,
    job_slice_count INTEGER, name TEXT, full_name TEXT, description TEXT,
    status TEXT, started TIMESTAMPTZ, never_started BOOLEAN, clock_ran_backwards BOOLEAN, finished TIMESTAMPTZ, elapsed NUMERIC, failed BOOLEAN,
    created TIMESTAMPTZ, modified TIMESTAMPTZ, provisional BOOLEAN, fingerprint BYTEA,
    num_hosts INTEGER, changed_hosts_count INTEGER, dark_hosts_count INTEGER, failures_hosts_count INTEGER,
    ok_hosts_count INTEGER, processed_hosts_count INTEGER, skipped_hosts_count INTEGER, failed_hosts_count INTEGER,
    ignored_hosts_count INTEGER, rescued_hosts_count INTEGER,
    organization_id INTEGER, job_template_id INTEGER, project_id INTEGER, inventory_id INTEGER,
    execution_environment_id INTEGER, instance_group_id INTEGER, launched_by_id INTEGER, launcher_named BOOLEAN
) ON COMMIT DELETE ROWS

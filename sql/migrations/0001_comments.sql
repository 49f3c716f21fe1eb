-- What each specified table and column holds: the data dictionary is made from this.

COMMENT ON TABLE clusters_cluster IS
    'Controllers that are synced: address, credentials (encrypted), what was found out about them.';
COMMENT ON COLUMN clusters_cluster.protocol IS 'http or https.';
COMMENT ON COLUMN clusters_cluster.address IS 'Host name or IP address, without protocol and port.';
COMMENT ON COLUMN clusters_cluster.port IS 'TCP port.';
COMMENT ON COLUMN clusters_cluster.access_token IS 'OAuth2 access token, encrypted (Fernet).';
COMMENT ON COLUMN clusters_cluster.verify_ssl IS 'Whether the controller''s certificate is verified.';
COMMENT ON COLUMN clusters_cluster.aap_version IS
    'Version as the specification names it: AAP 2.4, AAP 2.5 …, found out by asking.';
COMMENT ON COLUMN clusters_cluster.name IS
    'Name that people use, and key of the cluster''s Dagster partition; never changes.';
COMMENT ON COLUMN clusters_cluster.enabled IS 'False: no syncs; its history stays.';
COMMENT ON COLUMN clusters_cluster.removed_at IS 'When the cluster was removed from the registry; its history stays.';
COMMENT ON COLUMN clusters_cluster.ca_bundle IS
    'Certificate authorities to trust for this controller, as PEM text; NULL: the usual ones.';
COMMENT ON COLUMN clusters_cluster.refresh_token IS
    'OAuth2 refresh token, encrypted; replaced, with the access token, at each refresh.';
COMMENT ON COLUMN clusters_cluster.client_id IS 'OAuth2 application id, for refreshing.';
COMMENT ON COLUMN clusters_cluster.client_secret IS 'OAuth2 application secret, encrypted.';
COMMENT ON COLUMN clusters_cluster.api_prefix IS
    'Path of the controller''s API, /api/controller/v2 or /awx/api/v2; until it was found, the path to look below, or NULL.';
COMMENT ON COLUMN clusters_cluster.product_version IS 'The controller''s own version number.';
COMMENT ON COLUMN clusters_cluster.internal_modified IS
    'When a person last changed this entry, or its product turned out to be another.';
COMMENT ON COLUMN clusters_cluster.token_ends_at IS
    'When the access token stops working, as far as the controller tells; NULL: not known.';
COMMENT ON COLUMN clusters_cluster.token_end_exact IS 'True: it ends then; false: then at the latest.';
COMMENT ON COLUMN clusters_cluster.token_asked_at IS 'When the controller was last asked when this token ends.';
COMMENT ON COLUMN clusters_cluster.refresh_declined IS
    'Why the controller refused to renew a token that is about to end; NULL: it did not.';

COMMENT ON TABLE clusters_organization IS 'Organizations of the controllers.';

COMMENT ON TABLE clusters_jobtemplate IS 'Job templates, with what running and creating them by hand would take.';
COMMENT ON COLUMN clusters_jobtemplate.name IS 'Name at the controller when last read, cut at 255 characters.';
COMMENT ON COLUMN clusters_jobtemplate.time_taken_manually_execute_minutes IS
    'Minutes that the work on one host would take by hand; set with aap-pipeline templates.';
COMMENT ON COLUMN clusters_jobtemplate.time_taken_create_automation_minutes IS
    'Minutes that creating the automation took.';
COMMENT ON COLUMN clusters_jobtemplate.organization_id IS 'Organization of the template.';
COMMENT ON COLUMN clusters_jobtemplate.full_name IS 'The whole name, where it is longer than 255 characters.';
COMMENT ON COLUMN clusters_jobtemplate.removed_at IS
    'When the controller no longer listed the template; NULL while it does.';

COMMENT ON TABLE clusters_project IS 'Projects (sources of playbooks) of the controllers.';

COMMENT ON TABLE clusters_inventory IS 'Inventories of the controllers.';

COMMENT ON TABLE clusters_executionenvironment IS 'Execution environments (container images) of the controllers.';

COMMENT ON TABLE clusters_instancegroup IS 'Instance groups of the controllers.';

COMMENT ON TABLE clusters_aapuser IS 'Who or what launched jobs: people, schedules, webhooks, workflows.';
COMMENT ON COLUMN clusters_aapuser.external_id IS
    'The controller''s own id, unique within its cluster and type; NULL for launchers without one.';
COMMENT ON COLUMN clusters_aapuser.type IS 'user, schedule, workflow_job_template, webhook … as the controller says.';

COMMENT ON TABLE clusters_host IS 'Hosts that jobs ran on.';
COMMENT ON COLUMN clusters_host.external_id IS
    'The host''s id in the controller''s inventories; NULL where it was never in one: known by its name then.';

COMMENT ON TABLE clusters_label IS 'Labels of the controllers.';

COMMENT ON TABLE clusters_job IS 'Finished jobs: one row a run, unique by cluster and external id.';
COMMENT ON COLUMN clusters_job.external_id IS 'The controller''s job id; unique within its cluster.';
COMMENT ON COLUMN clusters_job.type IS 'Kind of unified job: job.';
COMMENT ON COLUMN clusters_job.job_type IS 'run, check or scan.';
COMMENT ON COLUMN clusters_job.launch_type IS 'manual, scheduled, webhook, workflow, relaunch …';
COMMENT ON COLUMN clusters_job.name IS 'Name of the job, cut at 255 characters.';
COMMENT ON COLUMN clusters_job.description IS 'Description of the job.';
COMMENT ON COLUMN clusters_job.status IS 'successful, failed, error or canceled for finished jobs.';
COMMENT ON COLUMN clusters_job.started IS
    'When the job started; a job that ended before it started has its finish time here.';
COMMENT ON COLUMN clusters_job.finished IS 'When the job finished: the date by which it is counted.';
COMMENT ON COLUMN clusters_job.elapsed IS 'Run time in seconds.';
COMMENT ON COLUMN clusters_job.failed IS 'Whether the controller calls it failed.';
COMMENT ON COLUMN clusters_job.organization_id IS 'Organization of the job.';
COMMENT ON COLUMN clusters_job.job_template_id IS 'Job template; NULL where the job had none or it was deleted before the job was read.';
COMMENT ON COLUMN clusters_job.project_id IS 'Project of the job.';
COMMENT ON COLUMN clusters_job.inventory_id IS 'Inventory of the job.';
COMMENT ON COLUMN clusters_job.execution_environment_id IS 'Execution environment of the job.';
COMMENT ON COLUMN clusters_job.instance_group_id IS 'Instance group that ran the job.';
COMMENT ON COLUMN clusters_job.launched_by_id IS 'Who or what launched the job.';
COMMENT ON COLUMN clusters_job.num_hosts IS 'Number of host summaries of the job.';
COMMENT ON COLUMN clusters_job.changed_hosts_count IS 'Hosts on which a task changed something.';
COMMENT ON COLUMN clusters_job.dark_hosts_count IS 'Hosts on which the connection failed (unreachable).';
COMMENT ON COLUMN clusters_job.failures_hosts_count IS 'Hosts on which a task failed.';
COMMENT ON COLUMN clusters_job.ok_hosts_count IS 'Hosts on which a task was ok.';
COMMENT ON COLUMN clusters_job.processed_hosts_count IS 'Hosts on which the playbook was processed.';
COMMENT ON COLUMN clusters_job.skipped_hosts_count IS 'Hosts on which a task was skipped.';
COMMENT ON COLUMN clusters_job.failed_hosts_count IS 'Hosts on which the run failed as a whole (flag failed).';
COMMENT ON COLUMN clusters_job.ignored_hosts_count IS 'Hosts on which an error was ignored.';
COMMENT ON COLUMN clusters_job.rescued_hosts_count IS 'Hosts on which an error was rescued.';
COMMENT ON COLUMN clusters_job.created IS 'When the job was created at the controller.';
COMMENT ON COLUMN clusters_job.modified IS 'When the job was last modified at the controller.';
COMMENT ON COLUMN clusters_job.full_name IS 'The whole name, where it is longer than 255 characters.';
COMMENT ON COLUMN clusters_job.job_slice_number IS 'Number of the slice of a sliced job, from 1; 0: not sliced.';
COMMENT ON COLUMN clusters_job.job_slice_count IS 'Slices of the launch; 1: not sliced.';
COMMENT ON COLUMN clusters_job.never_started IS 'The job ended before it started.';
COMMENT ON COLUMN clusters_job.clock_ran_backwards IS
    'The controller reported a finish before the start: started is stored as finished, and elapsed as 0.';
COMMENT ON COLUMN clusters_job.provisional IS 'Host summaries may still arrive: the host counts may rise.';

COMMENT ON TABLE clusters_joblabel IS 'Which labels a job carries.';
COMMENT ON COLUMN clusters_joblabel.job_id IS 'The job.';
COMMENT ON COLUMN clusters_joblabel.label_id IS 'The label.';

COMMENT ON TABLE clusters_jobhostsummary IS 'What happened on each host of each job.';
COMMENT ON COLUMN clusters_jobhostsummary.id IS 'Primary key; bigint, for it outgrows 2^31.';
COMMENT ON COLUMN clusters_jobhostsummary.job_id IS 'The job; deleting it deletes the row.';
COMMENT ON COLUMN clusters_jobhostsummary.host_id IS 'The host.';
COMMENT ON COLUMN clusters_jobhostsummary.host_name IS 'Name of the host at the time, cut at 255 characters.';
COMMENT ON COLUMN clusters_jobhostsummary.changed IS 'Tasks that changed something.';
COMMENT ON COLUMN clusters_jobhostsummary.dark IS 'Connections that failed (unreachable).';
COMMENT ON COLUMN clusters_jobhostsummary.failures IS 'Tasks that failed.';
COMMENT ON COLUMN clusters_jobhostsummary.ok IS 'Tasks that were ok.';
COMMENT ON COLUMN clusters_jobhostsummary.processed IS 'Plays processed.';
COMMENT ON COLUMN clusters_jobhostsummary.skipped IS 'Tasks skipped.';
COMMENT ON COLUMN clusters_jobhostsummary.failed IS 'Whether the host failed as a whole.';
COMMENT ON COLUMN clusters_jobhostsummary.ignored IS 'Errors that were ignored.';
COMMENT ON COLUMN clusters_jobhostsummary.rescued IS 'Errors that were rescued.';
COMMENT ON COLUMN clusters_jobhostsummary.created IS 'When the controller wrote the summary.';
COMMENT ON COLUMN clusters_jobhostsummary.modified IS 'When the controller last changed the summary.';

COMMENT ON TABLE clusters_clustersyncdata IS 'Raw documents as the controllers sent them, until they are parsed.';
COMMENT ON COLUMN clusters_clustersyncdata.data IS
    'The document as received, less its links and extra_vars; of a job, with its host summaries under job_host_summaries.';
COMMENT ON COLUMN clusters_clustersyncdata.kind IS 'job, organization, job_template or job_template_gone.';
COMMENT ON COLUMN clusters_clustersyncdata.external_id IS 'The controller''s id of what the document describes.';
COMMENT ON COLUMN clusters_clustersyncdata.provisional IS
    'The job was read before the controller had written all of its host summaries.';

COMMENT ON TABLE clusters_clustersyncstatus IS 'How far each cluster is synced.';
COMMENT ON COLUMN clusters_clustersyncstatus.last_job_finished_date IS
    'The watermark: finish time of the newest job synced; no job before it is missing. Only moves forward.';

COMMENT ON TABLE clusters_costs IS 'Rates for the savings.';
COMMENT ON COLUMN clusters_costs.value IS 'Cost of one minute, in the configured currency.';
COMMENT ON COLUMN clusters_costs.type IS 'manual (a person) or automated (the platform).';

COMMENT ON TABLE common_settings IS 'Application settings; aap-pipeline settings show explains each.';
COMMENT ON COLUMN common_settings.type IS 'Name of the setting.';
COMMENT ON COLUMN common_settings.value IS 'Its value as JSON text.';

COMMENT ON TABLE common_currency IS 'Currencies to show money in.';
COMMENT ON COLUMN common_currency.name IS 'Name of the currency.';
COMMENT ON COLUMN common_currency.iso_code IS 'ISO 4217 code.';
COMMENT ON COLUMN common_currency.symbol IS 'Symbol that money is written with.';

-- The columns that mean the same wherever nothing else was said.
DO $$
DECLARE
    found RECORD;
BEGIN
    FOR found IN
        SELECT t.relname AS table_name, a.attname AS column_name, meaning.text
        FROM pg_class t
        JOIN pg_attribute a ON a.attrelid = t.oid
        JOIN (VALUES
        ('id', 'Primary key, given by the database.'),
        ('cluster_id', 'The controller that this belongs to; deleting the cluster deletes the row.'),
        ('external_id', 'The controller''s own id; unique within its cluster.'),
        ('name', 'Name at the controller when last read.'),
        ('description', 'Description at the controller when last read.'),
        ('internal_created', 'When this row was first written.'),
        ('internal_modified', 'When this row was last changed.'),
        ('fingerprint', 'Digest (16 bytes) of what matters in the document last read.')
        ) AS meaning (column_name, text) ON meaning.column_name = a.attname
        WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r'
          AND (t.relname LIKE 'clusters\_%' OR t.relname LIKE 'common\_%')
          AND col_description(t.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', found.table_name, found.column_name, found.text);
    END LOOP;
END $$;

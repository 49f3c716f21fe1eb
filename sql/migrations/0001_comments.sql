-- Comments of the specified tables and columns, from which the data dictionary is generated.

COMMENT ON TABLE clusters_cluster IS
    'One row per controller: address, encrypted credentials, detected version.';
COMMENT ON COLUMN clusters_cluster.protocol IS 'http or https.';
COMMENT ON COLUMN clusters_cluster.address IS 'Host name or IP address, without protocol and port.';
COMMENT ON COLUMN clusters_cluster.port IS 'TCP port.';
COMMENT ON COLUMN clusters_cluster.access_token IS 'OAuth2 access token, encrypted (Fernet).';
COMMENT ON COLUMN clusters_cluster.verify_ssl IS 'True: the controller''s certificate is verified.';
COMMENT ON COLUMN clusters_cluster.aap_version IS
    'Detected product and version in the specification''s form: AAP 2.4, AAP 2.5 …';
COMMENT ON COLUMN clusters_cluster.name IS
    'Unique name of the cluster and key of its Dagster partition; immutable.';
COMMENT ON COLUMN clusters_cluster.enabled IS 'True: the cluster is synced.';
COMMENT ON COLUMN clusters_cluster.removed_at IS 'When the cluster was removed from the registry; NULL: it was not.';
COMMENT ON COLUMN clusters_cluster.ca_bundle IS
    'Certificate authorities to trust for this controller, as PEM text; NULL: the default ones.';
COMMENT ON COLUMN clusters_cluster.refresh_token IS
    'OAuth2 refresh token, encrypted; each refresh replaces it.';
COMMENT ON COLUMN clusters_cluster.client_id IS 'Client id of the OAuth2 application that issued the refresh token.';
COMMENT ON COLUMN clusters_cluster.client_secret IS 'Client secret of the OAuth2 application, encrypted.';
COMMENT ON COLUMN clusters_cluster.api_prefix IS
    'Path of the controller''s API, such as /api/controller/v2; before detection, the path to search below, or NULL.';
COMMENT ON COLUMN clusters_cluster.product_version IS 'The controller''s own version number.';
COMMENT ON COLUMN clusters_cluster.internal_modified IS
    'When an operator last changed the cluster, or another product version was detected.';
COMMENT ON COLUMN clusters_cluster.token_ends_at IS
    'Expiry of the access token as reported by the controller; NULL: unknown.';
COMMENT ON COLUMN clusters_cluster.token_end_exact IS 'True: token_ends_at is exact; false: it is the latest possible expiry.';
COMMENT ON COLUMN clusters_cluster.token_asked_at IS 'When the controller was last queried for the token''s expiry; NULL: never.';
COMMENT ON COLUMN clusters_cluster.refresh_declined IS
    'Why the controller rejected the renewal of a token that expires soon; NULL: it did not.';

COMMENT ON TABLE clusters_organization IS 'One row per organization of a controller.';

COMMENT ON TABLE clusters_jobtemplate IS 'One row per job template of a controller, with the minutes that its savings are computed from.';
COMMENT ON COLUMN clusters_jobtemplate.name IS 'Name of the job template as last read, truncated to 255 characters.';
COMMENT ON COLUMN clusters_jobtemplate.time_taken_manually_execute_minutes IS
    'Minutes of manual work that a run saves per host; set with aap-pipeline templates.';
COMMENT ON COLUMN clusters_jobtemplate.time_taken_create_automation_minutes IS
    'Minutes that creating the automation took; set with aap-pipeline templates.';
COMMENT ON COLUMN clusters_jobtemplate.organization_id IS 'Organization of the job template.';
COMMENT ON COLUMN clusters_jobtemplate.full_name IS 'The whole name if it is longer than 255 characters; else NULL.';
COMMENT ON COLUMN clusters_jobtemplate.removed_at IS
    'When the job template was first missing from the controller''s list; NULL: it is listed.';

COMMENT ON TABLE clusters_project IS 'One row per project (source of playbooks) of a controller.';

COMMENT ON TABLE clusters_inventory IS 'One row per inventory of a controller.';

COMMENT ON TABLE clusters_executionenvironment IS 'One row per execution environment (container image) of a controller.';

COMMENT ON TABLE clusters_instancegroup IS 'One row per instance group of a controller.';

COMMENT ON TABLE clusters_aapuser IS 'One row per launcher of jobs: users, schedules, webhooks, workflows.';
COMMENT ON COLUMN clusters_aapuser.external_id IS
    'The controller''s id of the launcher, unique within its cluster and type; NULL: it has none.';
COMMENT ON COLUMN clusters_aapuser.type IS 'Type of the launcher as the controller reports it: user, schedule, workflow_job_template, webhook …';

COMMENT ON TABLE clusters_host IS 'One row per host that jobs ran on.';
COMMENT ON COLUMN clusters_host.external_id IS
    'The controller''s id of the host; NULL: it was never in an inventory and is identified by its name.';

COMMENT ON TABLE clusters_label IS 'One row per label of a controller.';

COMMENT ON TABLE clusters_job IS 'One row per finished job, unique by cluster_id and external_id.';
COMMENT ON COLUMN clusters_job.type IS 'Type of unified job; always job.';
COMMENT ON COLUMN clusters_job.job_type IS 'Mode of the playbook run: run, check or scan.';
COMMENT ON COLUMN clusters_job.launch_type IS 'How the job was launched: manual, scheduled, webhook, workflow, relaunch …';
COMMENT ON COLUMN clusters_job.name IS 'Name of the job, truncated to 255 characters.';
COMMENT ON COLUMN clusters_job.description IS 'Description of the job.';
COMMENT ON COLUMN clusters_job.status IS 'Final status: successful, failed, error or canceled.';
COMMENT ON COLUMN clusters_job.started IS
    'When the job started; the finish time if it never started or if clock_ran_backwards is true.';
COMMENT ON COLUMN clusters_job.finished IS 'When the job finished; the time that assigns it to a day of the reports.';
COMMENT ON COLUMN clusters_job.elapsed IS 'Run time in seconds.';
COMMENT ON COLUMN clusters_job.failed IS 'True: the controller marks the job as failed.';
COMMENT ON COLUMN clusters_job.organization_id IS 'Organization of the job.';
COMMENT ON COLUMN clusters_job.job_template_id IS 'Job template of the job; NULL: it has none, or the template was deleted before the job was read.';
COMMENT ON COLUMN clusters_job.project_id IS 'Project of the job.';
COMMENT ON COLUMN clusters_job.inventory_id IS 'Inventory of the job.';
COMMENT ON COLUMN clusters_job.execution_environment_id IS 'Execution environment of the job.';
COMMENT ON COLUMN clusters_job.instance_group_id IS 'Instance group that ran the job.';
COMMENT ON COLUMN clusters_job.launched_by_id IS 'Launcher of the job.';
COMMENT ON COLUMN clusters_job.num_hosts IS 'Number of hosts that the job ran on.';
COMMENT ON COLUMN clusters_job.changed_hosts_count IS 'Number of hosts with at least one changed task.';
COMMENT ON COLUMN clusters_job.dark_hosts_count IS 'Number of hosts that were unreachable at least once.';
COMMENT ON COLUMN clusters_job.failures_hosts_count IS 'Number of hosts with at least one failed task.';
COMMENT ON COLUMN clusters_job.ok_hosts_count IS 'Number of hosts with at least one ok task.';
COMMENT ON COLUMN clusters_job.processed_hosts_count IS 'Number of hosts on which at least one play was processed.';
COMMENT ON COLUMN clusters_job.skipped_hosts_count IS 'Number of hosts with at least one skipped task.';
COMMENT ON COLUMN clusters_job.failed_hosts_count IS 'Number of hosts that the controller marks as failed.';
COMMENT ON COLUMN clusters_job.ignored_hosts_count IS 'Number of hosts with at least one ignored error.';
COMMENT ON COLUMN clusters_job.rescued_hosts_count IS 'Number of hosts with at least one rescued error.';
COMMENT ON COLUMN clusters_job.created IS 'When the job was created at the controller.';
COMMENT ON COLUMN clusters_job.modified IS 'When the job was last modified at the controller.';
COMMENT ON COLUMN clusters_job.full_name IS 'The whole name if it is longer than 255 characters; else NULL.';
COMMENT ON COLUMN clusters_job.job_slice_number IS 'Number of this slice of a sliced job, from 1; 0: not sliced.';
COMMENT ON COLUMN clusters_job.job_slice_count IS 'Number of slices of the launch; 1: not sliced.';
COMMENT ON COLUMN clusters_job.never_started IS 'True: the job ended before it started.';
COMMENT ON COLUMN clusters_job.clock_ran_backwards IS
    'True: the controller reported a finish before the start; then started = finished and elapsed = 0.';
COMMENT ON COLUMN clusters_job.provisional IS 'True: host summaries may still arrive, and the host counts may rise.';

COMMENT ON TABLE clusters_joblabel IS 'One row per label of a job.';
COMMENT ON COLUMN clusters_joblabel.job_id IS 'The job.';
COMMENT ON COLUMN clusters_joblabel.label_id IS 'The label.';

COMMENT ON TABLE clusters_jobhostsummary IS 'One row per job and host, with the task counts of the host.';
COMMENT ON COLUMN clusters_jobhostsummary.id IS 'Primary key; bigint, because the number of rows can exceed 2^31.';
COMMENT ON COLUMN clusters_jobhostsummary.job_id IS 'The job; deleting it deletes the row.';
COMMENT ON COLUMN clusters_jobhostsummary.host_id IS 'The host.';
COMMENT ON COLUMN clusters_jobhostsummary.host_name IS 'Name of the host when the job ran, truncated to 255 characters.';
COMMENT ON COLUMN clusters_jobhostsummary.changed IS 'Number of changed tasks.';
COMMENT ON COLUMN clusters_jobhostsummary.dark IS 'Number of failed connections (host unreachable).';
COMMENT ON COLUMN clusters_jobhostsummary.failures IS 'Number of failed tasks.';
COMMENT ON COLUMN clusters_jobhostsummary.ok IS 'Number of ok tasks.';
COMMENT ON COLUMN clusters_jobhostsummary.processed IS 'Number of processed plays.';
COMMENT ON COLUMN clusters_jobhostsummary.skipped IS 'Number of skipped tasks.';
COMMENT ON COLUMN clusters_jobhostsummary.failed IS 'True: the controller marks the host as failed in this job.';
COMMENT ON COLUMN clusters_jobhostsummary.ignored IS 'Number of ignored errors.';
COMMENT ON COLUMN clusters_jobhostsummary.rescued IS 'Number of rescued errors.';
COMMENT ON COLUMN clusters_jobhostsummary.created IS 'When the controller wrote the summary.';
COMMENT ON COLUMN clusters_jobhostsummary.modified IS 'When the controller last changed the summary.';

COMMENT ON TABLE clusters_clustersyncdata IS 'Raw documents as received from the controllers, until they are parsed.';
COMMENT ON COLUMN clusters_clustersyncdata.data IS
    'The document as received, without its links, extra_vars and artifacts; a job includes job_host_summaries.';
COMMENT ON COLUMN clusters_clustersyncdata.kind IS
    'Kind of document: job, organization, job_template, job_template_gone or job_settled.';
COMMENT ON COLUMN clusters_clustersyncdata.external_id IS 'The controller''s id of the record in the document; NULL: a list of ids.';
COMMENT ON COLUMN clusters_clustersyncdata.provisional IS
    'True: the job was read before the controller had written all its host summaries.';

COMMENT ON TABLE clusters_clustersyncstatus IS 'One row per cluster: its watermark.';
COMMENT ON COLUMN clusters_clustersyncstatus.last_job_finished_date IS
    'The watermark: finish time of the newest job synced. No earlier job is missing; it only moves forward.';

COMMENT ON TABLE clusters_costs IS 'One row per rate per minute.';
COMMENT ON COLUMN clusters_costs.value IS 'Cost of one minute in the configured currency.';
COMMENT ON COLUMN clusters_costs.type IS 'manual (a minute of manual work) or automated (a minute of job run time).';

COMMENT ON TABLE common_settings IS 'One row per application setting that was set; aap-pipeline settings show explains each.';
COMMENT ON COLUMN common_settings.type IS 'Name of the setting.';
COMMENT ON COLUMN common_settings.value IS 'Value of the setting as JSON text.';

COMMENT ON TABLE common_currency IS 'One row per currency that money can be shown in.';
COMMENT ON COLUMN common_currency.name IS 'Name of the currency.';
COMMENT ON COLUMN common_currency.iso_code IS 'ISO 4217 code.';
COMMENT ON COLUMN common_currency.symbol IS 'Symbol of the currency, such as $.';

-- Columns with the same meaning in several tables, unless they have a comment. %s is what a row of the table describes.
DO $$
DECLARE
    found RECORD;
BEGIN
    FOR found IN
        SELECT t.relname AS table_name, a.attname AS column_name, format(meaning.text, COALESCE(row_of.noun, 'row')) AS text
        FROM pg_class t
        JOIN pg_attribute a ON a.attrelid = t.oid
        JOIN (VALUES
        ('id', 'Primary key, generated by the database.'),
        ('cluster_id', 'Cluster of the %s; deleting the cluster deletes the row.'),
        ('external_id', 'The controller''s id of the %s, unique within its cluster.'),
        ('name', 'Name of the %s as last read from the controller.'),
        ('description', 'Description of the %s as last read from the controller.'),
        ('internal_created', 'When the row was inserted.'),
        ('internal_modified', 'When the row was last updated.'),
        ('fingerprint', 'Digest (16 bytes) of the fields that core reads of the %s, to detect changes.')
        ) AS meaning (column_name, text) ON meaning.column_name = a.attname
        LEFT JOIN (VALUES
        ('clusters_organization', 'organization'), ('clusters_jobtemplate', 'job template'), ('clusters_project', 'project'),
        ('clusters_inventory', 'inventory'), ('clusters_executionenvironment', 'execution environment'),
        ('clusters_instancegroup', 'instance group'), ('clusters_aapuser', 'launcher'), ('clusters_host', 'host'),
        ('clusters_label', 'label'), ('clusters_job', 'job'), ('clusters_clustersyncdata', 'document'),
        ('clusters_clustersyncstatus', 'watermark')
        ) AS row_of (table_name, noun) ON row_of.table_name = t.relname
        WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r'
          AND (t.relname LIKE 'clusters\_%' OR t.relname LIKE 'common\_%')
          AND col_description(t.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', found.table_name, found.column_name, found.text);
    END LOOP;
END $$;

-- The tables of the specification (aap_pipeline_tests/data/database-schema.md), in dependency order, including those that it
-- mentions but does not define. Additional columns are below "Additions". Each has a default or is nullable, so that every
-- SELECT and INSERT written against the specification works.
--
-- References without a cascade are deferred: deleting a cluster cascades to its hosts and jobs in an undefined order (another
-- one after a restore), so that only at the end of the transaction all its rows are deleted.

CREATE TABLE clusters_cluster (
    id SERIAL PRIMARY KEY,
    protocol VARCHAR(10) NOT NULL,
    address VARCHAR(255) NOT NULL,
    port INTEGER NOT NULL,
    access_token BYTEA NOT NULL,
    verify_ssl BOOLEAN DEFAULT TRUE,
    aap_version VARCHAR(15) DEFAULT 'AAP 2.4',
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW(),
    -- Additions
    name VARCHAR(100) NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    removed_at TIMESTAMPTZ,
    ca_bundle TEXT,
    refresh_token BYTEA,
    client_id VARCHAR(255),
    client_secret BYTEA,
    api_prefix TEXT,
    product_version VARCHAR(50),
    token_ends_at TIMESTAMPTZ,
    token_end_exact BOOLEAN NOT NULL DEFAULT FALSE,
    token_asked_at TIMESTAMPTZ,
    refresh_declined TEXT,
    max_concurrent_requests INTEGER NOT NULL DEFAULT 4 CHECK (max_concurrent_requests BETWEEN 1 AND 64),
    max_requests_per_second NUMERIC(8,3) NOT NULL DEFAULT 16 CHECK (max_requests_per_second > 0),
    sync_window TEXT,
    listed_at TIMESTAMPTZ,
    no_requests_before TIMESTAMPTZ,
    CONSTRAINT valid_protocol CHECK (protocol IN ('http', 'https')),
    CONSTRAINT valid_port CHECK (port BETWEEN 1 AND 65535)
);
CREATE UNIQUE INDEX clusters_cluster_endpoint_idx ON clusters_cluster (protocol, address, port);
CREATE UNIQUE INDEX clusters_cluster_name_idx ON clusters_cluster (name);

-- The name is the key of the Dagster partition and immutable. An INSERT without the column gets ADDRESS:PORT without characters
-- that are not valid in a key. Dagster splits keys at commas and ranges of keys at three dots.
CREATE FUNCTION clusters_cluster_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.name := COALESCE(NEW.name, COALESCE(NULLIF(left(trim(BOTH '.:_-' FROM
            regexp_replace(NEW.address, '[^A-Za-z0-9._:-]+|\.\.+', '-', 'g')), 94), ''), 'cluster') || ':' || NEW.port);
        IF NEW.name !~ '^[A-Za-z0-9]([A-Za-z0-9_:-]|\.[A-Za-z0-9_:-])*$' THEN
            RAISE EXCEPTION 'Cluster name "%": use letters, digits, colons, hyphens, underscores and single dots, beginning '
                'with a letter or digit and not ending with a dot.', NEW.name USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.name IS DISTINCT FROM OLD.name THEN
        RAISE EXCEPTION 'The name of cluster "%" cannot be changed: it is the key of its partition and its history.', OLD.name
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clusters_cluster_name BEFORE INSERT OR UPDATE OF name ON clusters_cluster
    FOR EACH ROW EXECUTE FUNCTION clusters_cluster_name();

CREATE TABLE clusters_organization (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    name VARCHAR(512) NOT NULL,
    description TEXT,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW(),
    -- Additions
    fingerprint BYTEA
);
CREATE UNIQUE INDEX clusters_organization_cluster_external_idx ON clusters_organization (cluster_id, external_id);

CREATE TABLE clusters_jobtemplate (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    time_taken_manually_execute_minutes INTEGER DEFAULT 60,
    time_taken_create_automation_minutes INTEGER DEFAULT 60,
    organization_id INTEGER REFERENCES clusters_organization(id) DEFERRABLE INITIALLY DEFERRED,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW(),
    -- Additions
    full_name VARCHAR(512),
    removed_at TIMESTAMPTZ,
    fingerprint BYTEA
);
CREATE UNIQUE INDEX clusters_jobtemplate_cluster_external_idx ON clusters_jobtemplate (cluster_id, external_id);

CREATE TABLE clusters_project (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    name VARCHAR(512) NOT NULL,
    description TEXT,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_project_cluster_external_idx ON clusters_project (cluster_id, external_id);

CREATE TABLE clusters_inventory (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    name VARCHAR(512) NOT NULL,
    description TEXT,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_inventory_cluster_external_idx ON clusters_inventory (cluster_id, external_id);

CREATE TABLE clusters_executionenvironment (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    name VARCHAR(512) NOT NULL,
    description TEXT,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_executionenvironment_cluster_external_idx
    ON clusters_executionenvironment (cluster_id, external_id);

CREATE TABLE clusters_instancegroup (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    name VARCHAR(512) NOT NULL,
    description TEXT,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_instancegroup_cluster_external_idx ON clusters_instancegroup (cluster_id, external_id);

-- Launchers of jobs: a user, a schedule, a webhook's template, a dependency. Some have no id.
CREATE TABLE clusters_aapuser (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER,
    name VARCHAR(512) NOT NULL,
    type VARCHAR(50) NOT NULL DEFAULT 'user',
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_aapuser_cluster_external_idx ON clusters_aapuser (cluster_id, type, external_id)
    WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX clusters_aapuser_cluster_name_idx ON clusters_aapuser (cluster_id, type, name)
    WHERE external_id IS NULL;

-- Hosts that were never in an inventory have no external id and are identified by their name. The index is on its digest,
-- because 1,024 characters of UTF-8 do not fit into a B-tree entry.
CREATE TABLE clusters_host (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER,
    name VARCHAR(1024) NOT NULL,
    description TEXT,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_host_cluster_external_idx ON clusters_host (cluster_id, external_id)
    WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX clusters_host_cluster_name_idx ON clusters_host (cluster_id, md5(name)) WHERE external_id IS NULL;

CREATE TABLE clusters_label (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    name VARCHAR(512) NOT NULL,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_label_cluster_external_idx ON clusters_label (cluster_id, external_id);

CREATE TABLE clusters_job (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    type VARCHAR(20) DEFAULT 'job',
    job_type VARCHAR(20) DEFAULT 'run',
    launch_type VARCHAR(20) DEFAULT 'manual',
    name VARCHAR(255) NOT NULL,
    description TEXT,
    status VARCHAR(25) DEFAULT 'successful',
    started TIMESTAMPTZ NOT NULL,
    finished TIMESTAMPTZ,
    elapsed DECIMAL(15,3) DEFAULT 0,
    failed BOOLEAN DEFAULT FALSE,
    organization_id INTEGER REFERENCES clusters_organization(id) DEFERRABLE INITIALLY DEFERRED,
    job_template_id INTEGER REFERENCES clusters_jobtemplate(id) DEFERRABLE INITIALLY DEFERRED,
    project_id INTEGER REFERENCES clusters_project(id) DEFERRABLE INITIALLY DEFERRED,
    inventory_id INTEGER REFERENCES clusters_inventory(id) DEFERRABLE INITIALLY DEFERRED,
    execution_environment_id INTEGER REFERENCES clusters_executionenvironment(id) DEFERRABLE INITIALLY DEFERRED,
    instance_group_id INTEGER REFERENCES clusters_instancegroup(id) DEFERRABLE INITIALLY DEFERRED,
    launched_by_id INTEGER REFERENCES clusters_aapuser(id) DEFERRABLE INITIALLY DEFERRED,
    num_hosts INTEGER DEFAULT 0,
    changed_hosts_count INTEGER DEFAULT 0,
    dark_hosts_count INTEGER DEFAULT 0,
    failures_hosts_count INTEGER DEFAULT 0,
    ok_hosts_count INTEGER DEFAULT 0,
    processed_hosts_count INTEGER DEFAULT 0,
    skipped_hosts_count INTEGER DEFAULT 0,
    failed_hosts_count INTEGER DEFAULT 0,
    ignored_hosts_count INTEGER DEFAULT 0,
    rescued_hosts_count INTEGER DEFAULT 0,
    created TIMESTAMPTZ,
    modified TIMESTAMPTZ,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW(),
    -- Additions
    full_name VARCHAR(512),
    never_started BOOLEAN NOT NULL DEFAULT FALSE,
    job_slice_number INTEGER,
    job_slice_count INTEGER,
    provisional BOOLEAN NOT NULL DEFAULT FALSE,
    fingerprint BYTEA,
    clock_ran_backwards BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT valid_status CHECK (
        status IN ('new', 'pending', 'waiting', 'running', 'successful', 'failed', 'error', 'canceled')),
    CONSTRAINT finished_jobs_have_elapsed CHECK (
        (status IN ('successful', 'failed', 'error', 'canceled') AND elapsed IS NOT NULL)
        OR (status NOT IN ('successful', 'failed', 'error', 'canceled'))),
    CONSTRAINT finished_not_before_started CHECK (finished >= started)
);
CREATE INDEX clusters_job_status_finished_idx ON clusters_job (status, finished);
CREATE INDEX clusters_job_cluster_template_idx ON clusters_job (cluster_id, job_template_id);
CREATE INDEX clusters_job_finished_idx ON clusters_job (finished);
CREATE UNIQUE INDEX clusters_job_cluster_external_idx ON clusters_job (cluster_id, external_id);

CREATE TABLE clusters_joblabel (
    id SERIAL PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES clusters_job(id) ON DELETE CASCADE,
    label_id INTEGER NOT NULL REFERENCES clusters_label(id) ON DELETE CASCADE,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE UNIQUE INDEX clusters_joblabel_job_label_idx ON clusters_joblabel (job_id, label_id);
CREATE INDEX clusters_joblabel_label_idx ON clusters_joblabel (label_id);

-- bigint instead of the specification's serial: 30 controllers write more than 2^31 host summaries in a few years.
CREATE TABLE clusters_jobhostsummary (
    id BIGSERIAL PRIMARY KEY,
    job_id INTEGER REFERENCES clusters_job(id) ON DELETE CASCADE,
    host_id INTEGER REFERENCES clusters_host(id) DEFERRABLE INITIALLY DEFERRED,
    host_name VARCHAR(255),
    changed INTEGER DEFAULT 0,
    dark INTEGER DEFAULT 0,
    failures INTEGER DEFAULT 0,
    ok INTEGER DEFAULT 0,
    processed INTEGER DEFAULT 0,
    skipped INTEGER DEFAULT 0,
    failed BOOLEAN DEFAULT FALSE,
    ignored INTEGER DEFAULT 0,
    rescued INTEGER DEFAULT 0,
    created TIMESTAMPTZ NOT NULL,
    modified TIMESTAMPTZ NOT NULL,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
CREATE INDEX clusters_jobhostsummary_job_idx ON clusters_jobhostsummary (job_id);
CREATE INDEX clusters_jobhostsummary_host_idx ON clusters_jobhostsummary (host_id);

CREATE TABLE clusters_clustersyncdata (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    data JSONB NOT NULL,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW(),
    -- Additions
    kind VARCHAR(20) NOT NULL DEFAULT 'job',
    external_id INTEGER,
    fingerprint BYTEA,
    provisional BOOLEAN NOT NULL DEFAULT FALSE
);
-- The pending list is up to 64 MB, which autovacuum merges, instead of 4 MB, which the sync would have to merge.
CREATE INDEX clusters_clustersyncdata_data_idx ON clusters_clustersyncdata USING GIN (data jsonb_path_ops)
    WITH (gin_pending_list_limit = 65536);
CREATE INDEX clusters_clustersyncdata_cluster_idx ON clusters_clustersyncdata (cluster_id, id);
CREATE INDEX clusters_clustersyncdata_external_idx ON clusters_clustersyncdata (cluster_id, external_id);

CREATE TABLE clusters_clustersyncstatus (
    id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES clusters_cluster(id) ON DELETE CASCADE UNIQUE,
    last_job_finished_date TIMESTAMPTZ NOT NULL,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);

CREATE TABLE clusters_costs (
    id SERIAL PRIMARY KEY,
    value DECIMAL(15,2) DEFAULT 0,
    type VARCHAR(20) UNIQUE NOT NULL,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
INSERT INTO clusters_costs (type, value) VALUES ('manual', 50.00), ('automated', 20.00);

CREATE TABLE common_settings (
    id SERIAL PRIMARY KEY,
    type VARCHAR(50) UNIQUE NOT NULL,
    value TEXT NOT NULL,
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
INSERT INTO common_settings (type, value) VALUES ('currency', '1'), ('enable_template_creation_time', 'true');

CREATE TABLE common_currency (
    id SERIAL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    iso_code VARCHAR(3) NOT NULL,
    symbol VARCHAR(10),
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW()
);
INSERT INTO common_currency (name, iso_code, symbol) VALUES
    ('US Dollar', 'USD', '$'),
    ('Euro', 'EUR', '€'),
    ('British Pound', 'GBP', '£');

-- Not of the specification: exchange rates, which the user keeps beside the currencies.
CREATE TABLE common_currency_rate (
    id SERIAL PRIMARY KEY,
    from_currency VARCHAR(3) NOT NULL, to_currency VARCHAR(3) NOT NULL,
    rate_date DATE NOT NULL, rate NUMERIC(20,10) NOT NULL CHECK (rate > 0),
    internal_created TIMESTAMPTZ DEFAULT NOW(), internal_modified TIMESTAMPTZ DEFAULT NOW(),
    CHECK (from_currency <> to_currency),
    -- As common_currency has them: a rate of usd would never be found.
    CONSTRAINT iso_codes_in_capitals CHECK (from_currency ~ '^[A-Z]{3}$' AND to_currency ~ '^[A-Z]{3}$')
);
CREATE UNIQUE INDEX common_currency_rate_day_idx ON common_currency_rate (from_currency, to_currency, rate_date);

-- Raw documents usually live for seconds. lz4 costs little. pglz costs a quarter of the time to store one, so on a server
-- without lz4 they are not compressed (docs/adr/0006).
DO $$
BEGIN
    ALTER TABLE clusters_clustersyncdata ALTER COLUMN data SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    RAISE NOTICE 'this server has no lz4: raw documents are stored uncompressed until they are parsed';
    ALTER TABLE clusters_clustersyncdata ALTER COLUMN data SET STORAGE EXTERNAL;
END $$;

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
COMMENT ON COLUMN clusters_cluster.max_concurrent_requests IS 'Most requests in flight to the controller.';
COMMENT ON COLUMN clusters_cluster.max_requests_per_second IS 'Most requests per second to the controller.';
COMMENT ON COLUMN clusters_cluster.sync_window IS 'Hours of first syncs and backfills: 20:00-06:00 Europe/Berlin (UTC without a zone); NULL: always.';
COMMENT ON COLUMN clusters_cluster.listed_at IS 'When product, organizations and job templates were last read; NULL: never, or the last sync failed.';
COMMENT ON COLUMN clusters_cluster.no_requests_before IS 'No request is sent to the controller before this time, because it requested a pause (Retry-After, at most an hour).';
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
COMMENT ON TABLE common_currency_rate IS 'What one unit of from_currency is worth in to_currency, from rate_date on.';
COMMENT ON COLUMN common_currency_rate.from_currency IS 'ISO code of the currency that is converted.';
COMMENT ON COLUMN common_currency_rate.to_currency IS 'ISO code of the currency of the result.';
COMMENT ON COLUMN common_currency_rate.rate_date IS 'First day of the exchange rate.';
COMMENT ON COLUMN common_currency_rate.rate IS 'Units of to_currency for one of from_currency.';

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

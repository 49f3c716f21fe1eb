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

-- Raw documents usually live for seconds. lz4 costs little. pglz costs a quarter of the time to store one, so on a server
-- without lz4 they are not compressed (docs/adr/0006).
DO $$
BEGIN
    ALTER TABLE clusters_clustersyncdata ALTER COLUMN data SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    RAISE NOTICE 'this server has no lz4: raw documents are stored uncompressed until they are parsed';
    ALTER TABLE clusters_clustersyncdata ALTER COLUMN data SET STORAGE EXTERNAL;
END $$;

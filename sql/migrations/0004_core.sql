-- Tables of stage core besides the specified ones.

-- Parsed raw documents, kept for raw_retention_days so that core can be rebuilt without the API; empty while that setting
-- is 0. The ids are in parse order. Text instead of JSONB, because documents are read only as a whole.
CREATE TABLE pipeline.raw_archive (
    id BIGSERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    kind VARCHAR(20) NOT NULL,
    external_id BIGINT,
    fingerprint BYTEA,
    provisional BOOLEAN NOT NULL,
    replayed BOOLEAN NOT NULL DEFAULT FALSE,
    received_at TIMESTAMPTZ NOT NULL,
    raw_id INTEGER,
    parsed_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    document TEXT NOT NULL
);
CREATE INDEX raw_archive_cluster_idx ON pipeline.raw_archive (cluster_id, id);
CREATE INDEX raw_archive_parsed_at_idx ON pipeline.raw_archive (parsed_at);

-- The raw row of a record: the clean-up may then delete it, and ids show which document is newer. A record that never was a raw
-- row takes a number from the same sequence.
ALTER TABLE pipeline.rejected_record ADD COLUMN raw_id INTEGER;

-- Progress of the check of host totals: every job up to newest_id was checked when it was new; the rotation through all jobs is
-- at audited_id.
CREATE TABLE pipeline.host_totals_check (
    cluster_id INTEGER PRIMARY KEY REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    newest_id INTEGER NOT NULL DEFAULT 0,
    audited_id INTEGER NOT NULL DEFAULT 0,
    checked_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

DO $$
BEGIN
    ALTER TABLE pipeline.raw_archive ALTER COLUMN document SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
    RAISE NOTICE 'this server has no lz4: archived documents use its default compression';
END $$;

-- Deleting a cluster deletes its history (specification). The cascade alone would find hosts and templates that jobs still
-- reference, so the jobs are deleted first.
CREATE FUNCTION clusters_cluster_delete_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM clusters_job WHERE cluster_id = OLD.id;
    DELETE FROM clusters_jobtemplate WHERE cluster_id = OLD.id;
    RETURN OLD;
END $$;
CREATE TRIGGER clusters_cluster_delete_jobs BEFORE DELETE ON clusters_cluster
    FOR EACH ROW EXECUTE FUNCTION clusters_cluster_delete_jobs();

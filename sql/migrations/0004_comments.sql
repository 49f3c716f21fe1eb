-- What each table and column that stage core added holds.

COMMENT ON TABLE pipeline.raw_archive IS
    'Raw documents that were parsed, kept for raw_retention_days so that core can be rebuilt without the API.';
COMMENT ON COLUMN pipeline.raw_archive.kind IS 'job, organization, job_template or job_template_gone.';
COMMENT ON COLUMN pipeline.raw_archive.external_id IS 'The controller''s id of what the document describes.';
COMMENT ON COLUMN pipeline.raw_archive.provisional IS 'Whether the raw row was provisional.';
COMMENT ON COLUMN pipeline.raw_archive.replayed IS 'Whether it came out of the quarantine.';
COMMENT ON COLUMN pipeline.raw_archive.received_at IS 'When the raw row was written.';
COMMENT ON COLUMN pipeline.raw_archive.parsed_at IS 'When it was parsed.';
COMMENT ON COLUMN pipeline.raw_archive.document IS 'The document as it was stored.';

COMMENT ON TABLE pipeline.host_totals_check IS 'How far the check of host totals has come in each cluster.';
COMMENT ON COLUMN pipeline.host_totals_check.newest_id IS 'Jobs up to this id were checked when they were new.';
COMMENT ON COLUMN pipeline.host_totals_check.audited_id IS 'Where the audit that goes round all jobs stands.';
COMMENT ON COLUMN pipeline.host_totals_check.checked_at IS 'When the check last ran.';
COMMENT ON COLUMN pipeline.raw_archive.raw_id IS
    'Id of the raw row that it came from; NULL where it is not known.';
COMMENT ON COLUMN pipeline.rejected_record.raw_id IS
    'Id of the raw row that it came from, or the number that it took in their order; NULL where it is not known.';

-- The columns that mean the same in every table of the schema so far, wherever nothing else was said.
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
        ('fingerprint', 'Digest (16 bytes) of what matters in the document last read.')
        ) AS meaning (column_name, text) ON meaning.column_name = a.attname
        WHERE t.relnamespace = 'pipeline'::regnamespace AND t.relkind = 'r'
          AND col_description(t.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN pipeline.%I.%I IS %L', found.table_name, found.column_name, found.text);
    END LOOP;
END $$;

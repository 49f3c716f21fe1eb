-- The schema of Dagster's own tables, which Dagster makes and migrates itself, one statement after the other. If the first start was
-- interrupted, it would never complete them, so they are dropped, unless a run ever started. No index: the tables are small or empty then.
DO $$
DECLARE
    complete BOOLEAN := FALSE;
    used BOOLEAN := FALSE;
BEGIN
    CREATE SCHEMA IF NOT EXISTS dagster;
    IF to_regclass('dagster.secondary_indexes') IS NOT NULL THEN  -- the last rows that it writes of each storage
        EXECUTE $q$SELECT count(*) = 3 FROM dagster.secondary_indexes WHERE migration_completed IS NOT NULL
            AND name IN ('run_start_end_overwritten', 'asset_key_index_columns', 'schedule_ticks_selector_id')$q$ INTO complete;
    END IF;
    IF NOT complete AND to_regclass('dagster.runs') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM dagster.runs WHERE start_time IS NOT NULL)' INTO used;
    END IF;
    IF NOT complete AND NOT used AND EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'dagster') THEN
        DROP SCHEMA dagster CASCADE;
        CREATE SCHEMA dagster;
    END IF;
END $$

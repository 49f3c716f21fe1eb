-- The schema of Dagster's own tables, which Dagster makes and migrates itself. No table, no index.
CREATE SCHEMA IF NOT EXISTS dagster

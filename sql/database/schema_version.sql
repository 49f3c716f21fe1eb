-- The database's revision; fails if it was never migrated. A table of one row, no index needed.
SELECT version_num FROM pipeline.schema_version

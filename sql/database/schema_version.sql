-- The revision that the database is at; fails where the pipeline never migrated. A table of one row, no index needed.
SELECT version_num FROM pipeline.schema_version

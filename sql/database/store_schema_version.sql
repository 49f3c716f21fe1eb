-- Store the schema version NEWEST in its table of one row. The last statements of a migration.
CREATE TABLE IF NOT EXISTS pipeline.schema_version (
    version_num varchar(32) NOT NULL CONSTRAINT schema_version_pkc PRIMARY KEY
);
DELETE FROM pipeline.schema_version;
INSERT INTO pipeline.schema_version (version_num) VALUES ('NEWEST');

-- LockKind.DAGSTER_TABLES, until the connection ends: `create_dagster_schema` of another process waits. No table, no index.
SELECT pg_advisory_lock(6381831, 0)

-- Login roles of killed `aap-pipeline sql` commands: expired, and without a session.
SELECT rolname FROM pg_catalog.pg_roles
WHERE rolname ~ '^aap_pipeline_sql_[0-9a-f]{16}$' AND rolvaliduntil < now()
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE usesysid = pg_roles.oid)

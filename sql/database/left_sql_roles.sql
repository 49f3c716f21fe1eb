-- Login roles of `aap-pipeline sql` whose command was killed: nobody can log in with them any more, and nobody is.
SELECT rolname FROM pg_catalog.pg_roles
WHERE rolname ~ '^aap_pipeline_sql_[0-9a-f]{16}$' AND rolvaliduntil < now()
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE usesysid = pg_roles.oid)

-- The superusers that the session's user is or can become. Reads the catalog only.
SELECT rolname FROM pg_catalog.pg_roles WHERE rolsuper AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER')

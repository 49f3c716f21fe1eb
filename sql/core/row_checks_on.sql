-- Foreign keys check each row again.
SET LOCAL session_replication_role TO DEFAULT

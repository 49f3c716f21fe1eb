-- Whether the tables that Dagster looks for at its start exist, in the first schema of its search path.
SELECT to_regclass('runs') IS NOT NULL AND to_regclass('instance_info') IS NOT NULL
   AND to_regclass('event_logs') IS NOT NULL AND to_regclass('jobs') IS NOT NULL

-- Whether Dagster has made its tables, in the schema that its connections look in first: each that it looks for at a start.
SELECT to_regclass('runs') IS NOT NULL AND to_regclass('instance_info') IS NOT NULL
   AND to_regclass('event_logs') IS NOT NULL AND to_regclass('jobs') IS NOT NULL

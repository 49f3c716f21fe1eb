-- Names of the sensors and schedules of a code location that were switched off in the Dagster UI. Small table.
SELECT instigator_body::jsonb #>> '{origin,job_name}'
FROM dagster.instigators
WHERE status = 'STOPPED'
  AND instigator_body::jsonb #>> '{origin,external_repository_origin,repository_location_origin,location_name}' = %(location)s
ORDER BY 1

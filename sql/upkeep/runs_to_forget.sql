-- Finished runs of this code location to delete, the oldest first. The newest successful run of each job and partition stays
-- at any age, because its events show a disabled cluster's partitions as materialized. Dagster's times are UTC without a zone. Indexes: runs_pkey, idx_run_tags_run_idx.
SELECT run.id, run.run_id FROM dagster.runs run
WHERE run.id > %(after)s
  AND run.status IN ('SUCCESS', 'CANCELED', 'FAILURE')
  AND run.update_timestamp < timezone('UTC', NOW()) - INTERVAL '1 day'
      * CASE WHEN run.status = 'FAILURE' OR run.pipeline_name = %(nightly)s THEN %(long_days)s ELSE %(days)s END
  AND run.id NOT IN (SELECT max(id) FROM dagster.runs WHERE status = 'SUCCESS' GROUP BY pipeline_name, partition)
  AND EXISTS (SELECT FROM dagster.run_tags tag WHERE tag.run_id = run.run_id
              AND tag.key = %(location_tag)s AND tag.value = %(location)s)
ORDER BY run.id
LIMIT %(most)s

-- Mark a backfill as paused, so that new_jobs_sensor resumes it. An open end is infinity. Index: backfill_pkey.
UPDATE pipeline.backfill SET goes_on = TRUE
WHERE cluster_id = %(cluster)s AND window_from = %(after)s AND window_to = COALESCE(%(until)s::timestamptz, 'infinity')

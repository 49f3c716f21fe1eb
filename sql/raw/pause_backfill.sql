-- Lets the new-jobs sensor go on with a backfill. An open end is infinity. Index: backfill_pkey.
UPDATE pipeline.backfill SET goes_on = TRUE
WHERE cluster_id = %(cluster)s AND window_from = %(after)s AND window_to = COALESCE(%(until)s::timestamptz, 'infinity')

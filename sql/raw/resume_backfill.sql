-- Progress of a backfill of exactly this window; no row: not started, or finished. Clears goes_on, so that the sensor
-- does not resume a run that an operator terminates. An open end is infinity. Index: backfill_pkey.
UPDATE pipeline.backfill SET goes_on = FALSE
WHERE cluster_id = %(cluster)s AND window_from = %(after)s AND window_to = COALESCE(%(until)s::timestamptz, 'infinity')
RETURNING done_to

-- How far a backfill of this very window has come; no row: not begun, or finished. Nobody else is to go on with it: a run
-- that a person ends must not come back. An open end is infinity. Index: backfill_pkey.
UPDATE pipeline.backfill SET goes_on = FALSE
WHERE cluster_id = %(cluster)s AND window_from = %(after)s AND window_to = COALESCE(%(until)s::timestamptz, 'infinity')
RETURNING done_to

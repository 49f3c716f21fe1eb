-- How far a backfill of this very window has come; no row: not begun, or finished. An open end is infinity.
-- Index: backfill_pkey.
SELECT done_to FROM pipeline.backfill
WHERE cluster_id = %(cluster)s AND window_from = %(after)s AND window_to = COALESCE(%(until)s::timestamptz, 'infinity')

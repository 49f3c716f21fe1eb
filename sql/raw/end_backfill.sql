-- A finished backfill begins anew when it is asked for again. Index: backfill_pkey.
DELETE FROM pipeline.backfill
WHERE cluster_id = %(cluster)s AND window_from = %(after)s AND window_to = COALESCE(%(until)s::timestamptz, 'infinity')

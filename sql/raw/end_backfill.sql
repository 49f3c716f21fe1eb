-- Delete a finished backfill; requesting the same window again starts anew. Index: backfill_pkey.
DELETE FROM pipeline.backfill
WHERE cluster_id = %(cluster)s AND window_from = %(after)s AND window_to = COALESCE(%(until)s::timestamptz, 'infinity')

-- Delete a finished backfill and unfinished ones within its window; requesting the same window again starts anew. Index: backfill_pkey.
DELETE FROM pipeline.backfill
WHERE cluster_id = %(cluster)s AND window_from >= %(after)s AND window_to <= COALESCE(%(until)s::timestamptz, 'infinity')

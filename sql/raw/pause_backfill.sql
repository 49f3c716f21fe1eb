-- Mark a backfill as paused for live syncs, perhaps before its first slice; the sensor resumes it. Index: backfill_pkey.
INSERT INTO pipeline.backfill (cluster_id, window_from, window_to, done_to, goes_on)
VALUES (%(cluster)s, %(after)s, COALESCE(%(until)s::timestamptz, 'infinity'), %(after)s, TRUE)
ON CONFLICT (cluster_id, window_from, window_to) DO UPDATE SET goes_on = TRUE

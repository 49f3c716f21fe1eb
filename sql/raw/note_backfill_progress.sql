-- Store a backfill's progress, from which it resumes; an open end is infinity. Index: backfill_pkey.
INSERT INTO pipeline.backfill (cluster_id, window_from, window_to, done_to)
VALUES (%(cluster)s, %(after)s, COALESCE(%(until)s::timestamptz, 'infinity'), %(done)s)
ON CONFLICT (cluster_id, window_from, window_to) DO UPDATE SET done_to = excluded.done_to, updated_at = NOW()

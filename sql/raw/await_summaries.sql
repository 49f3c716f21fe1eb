-- Note jobs that were stored before the controller had written all their host summaries: awaited, or given up.
-- Index: pending_summaries_pkey.
INSERT INTO pipeline.pending_summaries (cluster_id, external_id, finished, given_up)
SELECT %(cluster)s, noted.external_id, noted.finished, noted.given_up
FROM unnest(%(ids)s::integer[], %(finished)s::timestamptz[], %(given_up)s::boolean[])
    AS noted (external_id, finished, given_up)
ON CONFLICT (cluster_id, external_id) DO UPDATE SET finished = excluded.finished, given_up = excluded.given_up

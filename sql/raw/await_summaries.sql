-- Jobs stored before the controller had written their host summaries. Index: pending_summaries_pkey.
INSERT INTO pipeline.pending_summaries (cluster_id, external_id, finished)
SELECT %(cluster)s, awaited.external_id, awaited.finished
FROM unnest(%(ids)s::integer[], %(finished)s::timestamptz[]) AS awaited (external_id, finished)
ON CONFLICT (cluster_id, external_id) DO UPDATE SET finished = excluded.finished

-- Given-up jobs with their finish time, which reconciliation reads again.
-- Index: pending_summaries_pkey.
SELECT external_id, finished FROM pipeline.pending_summaries WHERE cluster_id = %(cluster)s AND given_up

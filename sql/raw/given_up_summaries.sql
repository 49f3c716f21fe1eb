-- Jobs whose host summaries were waited for in vain, with their finish time: reconciliation asks for them again.
-- Index: pending_summaries_pkey.
SELECT external_id, finished FROM pipeline.pending_summaries WHERE cluster_id = %(cluster)s AND given_up

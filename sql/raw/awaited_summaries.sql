-- Jobs whose host summaries are awaited, with their finish time. Index: pending_summaries_pkey.
SELECT external_id, finished FROM pipeline.pending_summaries WHERE cluster_id = %(cluster)s AND NOT given_up

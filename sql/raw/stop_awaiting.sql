-- Jobs whose host summaries are in, or no longer waited for. Index: pending_summaries_pkey.
DELETE FROM pipeline.pending_summaries WHERE cluster_id = %(cluster)s AND external_id = ANY (%(ids)s)

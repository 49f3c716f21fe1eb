-- Delete jobs whose host summaries are stored or no longer awaited. Index: pending_summaries_pkey.
DELETE FROM pipeline.pending_summaries WHERE cluster_id = %(cluster)s AND external_id = ANY (%(ids)s)

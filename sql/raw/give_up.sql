-- Jobs whose host summaries were waited for until the deadline. Index: pending_summaries_pkey.
UPDATE pipeline.pending_summaries SET given_up = TRUE
WHERE cluster_id = %(cluster)s AND external_id = ANY (%(ids)s) AND NOT given_up

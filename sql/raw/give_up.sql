-- Mark jobs as given up whose host summaries did not arrive before the deadline. Index: pending_summaries_pkey.
UPDATE pipeline.pending_summaries SET given_up = TRUE
WHERE cluster_id = %(cluster)s AND external_id = ANY (%(ids)s) AND NOT given_up

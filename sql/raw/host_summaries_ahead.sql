-- The host summaries, read by host, of the given jobs. Index: host_summaries_ahead_job_idx.
SELECT job_id, document FROM pipeline.host_summaries_ahead WHERE cluster_id = %(cluster)s AND job_id = ANY(%(ids)s)

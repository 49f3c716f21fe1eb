-- Delete the cluster's stretch and its host summaries. Indexes: host_summaries_ahead_job_idx, host_stretch_pkey.
WITH gone AS (DELETE FROM pipeline.host_summaries_ahead WHERE cluster_id = %(cluster)s)
DELETE FROM pipeline.host_stretch WHERE cluster_id = %(cluster)s

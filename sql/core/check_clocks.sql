-- How many jobs finished since a moment of which the controller reported a finish before the start.
-- Uses clusters_job_finished_idx.
SELECT count(*) FROM clusters_job
WHERE finished > %(since)s AND clock_ran_backwards AND cluster_id = %(cluster_id)s

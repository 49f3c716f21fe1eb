-- Number of jobs since a time that, by the controller's clocks, finished before they started.
-- Uses clusters_job_finished_idx.
SELECT count(*) FROM clusters_job
WHERE finished > %(since)s AND clock_ran_backwards AND cluster_id = %(cluster_id)s

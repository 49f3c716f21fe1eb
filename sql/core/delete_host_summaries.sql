-- Delete the host summaries of jobs that are read again; they are replaced as a whole.
-- Uses clusters_jobhostsummary_job_idx.
DELETE FROM clusters_jobhostsummary WHERE job_id = ANY(%(job_ids)s::int[])

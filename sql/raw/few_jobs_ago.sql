-- Finish time of the job that is a given number of jobs before the newest of a cluster. Index: clusters_job_finished_idx.
SELECT finished FROM clusters_job WHERE cluster_id = %(cluster)s ORDER BY finished DESC OFFSET %(jobs)s LIMIT 1

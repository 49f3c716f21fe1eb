-- The controller's id of a cluster's newest job. Index: clusters_job_finished_idx, from its end.
SELECT external_id FROM clusters_job WHERE cluster_id = %(cluster)s ORDER BY finished DESC NULLS LAST LIMIT 1

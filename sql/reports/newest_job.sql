-- The controller's id of a cluster's most recently launched job. Index: clusters_job_cluster_external_idx, from its end.
SELECT external_id FROM clusters_job WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 1

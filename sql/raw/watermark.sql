-- Finish time of the newest job synced. Index: clusters_clustersyncstatus_cluster_id_key.
SELECT last_job_finished_date FROM clusters_clustersyncstatus WHERE cluster_id = %(cluster)s

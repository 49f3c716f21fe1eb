-- External ids of jobs that are provisional long after their deadline. Reads all jobs of the cluster.
SELECT external_id FROM clusters_job
WHERE cluster_id = %(cluster_id)s AND provisional AND finished < NOW() - make_interval(mins => %(minutes)s)
ORDER BY external_id

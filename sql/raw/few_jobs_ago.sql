-- When the job finished that is so many before the newest of a cluster, if that is within the day before the watermark.
-- Indexes: clusters_job_finished_idx, clusters_clustersyncstatus_cluster_id_key.
SELECT finished FROM clusters_job
WHERE cluster_id = %(cluster)s
  AND finished > (SELECT last_job_finished_date - interval '1 day' FROM clusters_clustersyncstatus
                  WHERE cluster_id = %(cluster)s)
ORDER BY finished DESC OFFSET %(jobs)s LIMIT 1

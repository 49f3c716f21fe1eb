-- Delete the jobs before the rows that they reference. Index: clusters_job_cluster_template_idx or
-- clusters_job_cluster_external_idx.
DELETE FROM clusters_job job USING clusters_cluster cluster
WHERE cluster.id = job.cluster_id AND cluster.name = %(name)s

-- First the bulk, without a check of foreign keys for each row. Index: clusters_jobhostsummary_job_idx.
DELETE FROM clusters_jobhostsummary summary
USING clusters_job job
JOIN clusters_cluster cluster ON cluster.id = job.cluster_id
WHERE summary.job_id = job.id AND cluster.name = %(name)s

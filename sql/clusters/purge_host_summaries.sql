-- Delete the host summaries first, without a foreign key check per row. Index: clusters_jobhostsummary_job_idx.
DELETE FROM clusters_jobhostsummary summary
USING clusters_job job
JOIN clusters_cluster cluster ON cluster.id = job.cluster_id
WHERE summary.job_id = job.id AND cluster.name = %(name)s

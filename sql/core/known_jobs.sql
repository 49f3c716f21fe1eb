-- Ids and finish days of a batch's jobs that are already stored. Uses clusters_job_cluster_external_idx.
SELECT id, (finished AT TIME ZONE %(timezone)s)::date
FROM clusters_job
WHERE cluster_id = %(cluster_id)s AND external_id = ANY(%(external_ids)s::int[])

-- Delete archived jobs that were read again and stored anew, so that they do not count twice, and return the days on
-- which they finished there. Runs after the jobs are stored, or one archived meanwhile would stay. Uses
-- clusters_job_cluster_external_idx.
DELETE FROM archive.clusters_job WHERE cluster_id = %(cluster_id)s AND external_id = ANY(%(external_ids)s::int[])
RETURNING (finished AT TIME ZONE %(timezone)s)::date

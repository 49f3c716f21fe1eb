-- Jobs that are read again after they were archived are stored anew: what the archive has of them must not count beside it,
-- nor on the day on which they finished there. Comes after the jobs are stored, or one archived meanwhile would stay. Uses clusters_job_cluster_external_idx.
DELETE FROM archive.clusters_job WHERE cluster_id = %(cluster_id)s AND external_id = ANY(%(external_ids)s::int[])
RETURNING (finished AT TIME ZONE %(timezone)s)::date

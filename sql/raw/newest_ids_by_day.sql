-- The highest id of the parsed jobs of each UTC day in (after, until].
-- Indexes: clusters_job_finished_idx, archive.clusters_job_finished_idx.
SELECT (finished AT TIME ZONE 'UTC')::date::text AS day, max(external_id)
FROM archive.all_jobs
WHERE cluster_id = %(cluster)s AND finished > %(after)s AND finished <= %(until)s
GROUP BY 1

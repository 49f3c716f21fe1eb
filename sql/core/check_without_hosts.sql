-- Jobs finished since a time that count towards no figure because they have no host, by status.
-- Uses clusters_job_finished_idx.
SELECT status, count(*)
FROM clusters_job
WHERE status IN ('successful', 'failed') AND finished > %(since)s AND num_hosts = 0 AND NOT provisional
  AND cluster_id = %(cluster_id)s
GROUP BY status ORDER BY status

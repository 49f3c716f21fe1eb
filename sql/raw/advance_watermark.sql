-- The watermark only ever moves forward. Index: clusters_clustersyncstatus_cluster_id_key.
INSERT INTO clusters_clustersyncstatus AS status (cluster_id, last_job_finished_date)
VALUES (%(cluster)s, %(newest)s)
ON CONFLICT (cluster_id) DO UPDATE
SET last_job_finished_date = excluded.last_job_finished_date, internal_modified = NOW()
WHERE excluded.last_job_finished_date > status.last_job_finished_date

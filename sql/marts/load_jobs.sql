-- Reads the jobs of some days of one cluster (NULL: of all its days) into work tables; returns the days. Indexes:
-- clusters_job_finished_idx, one range per day, and clusters_joblabel_job_label_idx.
SELECT rollup.load_jobs(%(cluster_id)s, %(days)s)

-- Mark jobs as final that the controller deleted while their host summaries were awaited, or hid until the deadline.
-- Index: clusters_job_cluster_external_idx.
UPDATE clusters_job
SET provisional = FALSE, internal_modified = NOW()
WHERE cluster_id = %(cluster_id)s AND external_id = ANY (%(external_ids)s) AND provisional
RETURNING (finished AT TIME ZONE %(timezone)s)::date

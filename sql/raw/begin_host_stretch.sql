-- Replace the cluster's stretch and delete the host summaries of the old one. Indexes: host_summaries_ahead_job_idx,
-- host_stretch_pkey.
WITH gone AS (DELETE FROM pipeline.host_summaries_ahead WHERE cluster_id = %(cluster)s)
INSERT INTO pipeline.host_stretch (cluster_id, after_id, upto_id, host_id, hosts_upto, unreported)
VALUES (%(cluster)s, %(after_id)s, %(upto_id)s, %(host_id)s, %(hosts_upto)s, %(unreported)s)
ON CONFLICT (cluster_id) DO UPDATE
SET after_id = excluded.after_id, upto_id = excluded.upto_id, host_id = excluded.host_id,
    hosts_upto = excluded.hosts_upto, unreported = excluded.unreported, without_host = '{}', began_at = excluded.began_at

-- The stretch of a cluster's jobs whose host summaries are read by host. Index: host_stretch_pkey.
SELECT after_id, upto_id, host_id, hosts_upto, unreported, without_host, began_at
FROM pipeline.host_stretch WHERE cluster_id = %(cluster)s

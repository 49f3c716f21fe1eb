-- Record up to which host a stretch was read, and its jobs with a host summary without host. Index: host_stretch_pkey.
UPDATE pipeline.host_stretch SET host_id = %(host_id)s, without_host = %(without_host)s WHERE cluster_id = %(cluster)s

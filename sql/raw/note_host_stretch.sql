-- Up to which host a stretch is read, and which of its jobs have a host summary without host. Index: host_stretch_pkey.
UPDATE pipeline.host_stretch SET host_id = %(host_id)s, without_host = %(without_host)s WHERE cluster_id = %(cluster)s

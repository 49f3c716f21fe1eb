-- Up to which host a stretch is read. Index: host_stretch_pkey.
UPDATE pipeline.host_stretch SET host_id = %(host_id)s WHERE cluster_id = %(cluster)s

-- Up to which host a stretch is read, and which of its jobs are in doubt. Index: host_stretch_pkey.
UPDATE pipeline.host_stretch SET host_id = %(host_id)s, doubted = %(doubted)s WHERE cluster_id = %(cluster)s

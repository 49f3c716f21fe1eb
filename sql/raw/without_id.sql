-- Fingerprints of records of a kind without a valid id that are already in quarantine or unparsed.
-- Reads the cluster's rows by rejected_record_cluster_idx and clusters_clustersyncdata_external_idx.
SELECT fingerprint FROM pipeline.rejected_record
WHERE cluster_id = %(cluster)s AND kind = %(kind)s AND external_id IS NULL
  AND fingerprint = ANY(%(fingerprints)s::bytea[])
UNION
SELECT fingerprint FROM clusters_clustersyncdata
WHERE cluster_id = %(cluster)s AND kind = %(kind)s AND external_id IS NULL
  AND fingerprint = ANY(%(fingerprints)s::bytea[])

-- Those of the jobs %(ids)s that are parsed, unparsed or in quarantine.
-- Indexes: clusters_job_cluster_external_idx, clusters_clustersyncdata_external_idx, rejected_record_cluster_idx.
SELECT external_id FROM archive.all_jobs WHERE cluster_id = %(cluster)s AND external_id = ANY (%(ids)s)
UNION
SELECT external_id FROM clusters_clustersyncdata
WHERE cluster_id = %(cluster)s AND kind = 'job' AND external_id = ANY (%(ids)s)
UNION
SELECT external_id FROM pipeline.rejected_record
WHERE cluster_id = %(cluster)s AND kind = 'job' AND external_id = ANY (%(ids)s)

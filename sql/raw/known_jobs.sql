-- The jobs of a page that are stored unchanged. An unparsed raw row is newer than core, so it decides alone.
-- Indexes: clusters_clustersyncdata_external_idx, clusters_job_cluster_external_idx, rejected_record_cluster_idx.
SELECT asked.external_id, stored.provisional
FROM unnest(%(ids)s::integer[], %(fingerprints)s::bytea[]) AS asked (external_id, fingerprint)
CROSS JOIN LATERAL (
    SELECT fingerprint, provisional
    FROM (
        (SELECT 1 AS priority, raw.fingerprint, raw.provisional
         FROM clusters_clustersyncdata raw
         WHERE raw.cluster_id = %(cluster)s AND raw.external_id = asked.external_id AND raw.kind = 'job'
         ORDER BY raw.id DESC LIMIT 1)
        UNION ALL
        (SELECT 2, rejected.fingerprint, rejected.provisional
         FROM pipeline.rejected_record rejected
         WHERE rejected.cluster_id = %(cluster)s AND rejected.external_id = asked.external_id AND rejected.kind = 'job'
           AND rejected.fingerprint = asked.fingerprint
         LIMIT 1)
        UNION ALL
        (SELECT 3, job.fingerprint, job.provisional
         FROM archive.all_jobs job
         WHERE job.cluster_id = %(cluster)s AND job.external_id = asked.external_id)
    ) states
    ORDER BY priority
    LIMIT 1
) stored
WHERE stored.fingerprint = asked.fingerprint

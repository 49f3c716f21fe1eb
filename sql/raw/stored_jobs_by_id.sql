-- Number of jobs that are parsed, archived, unparsed or in quarantine with an id above one of the ascending %(ids)s and up to
-- the next, per next one.
-- Indexes: clusters_job_cluster_external_idx, archive.clusters_job_cluster_external_idx,
-- clusters_clustersyncdata_external_idx, rejected_record_cluster_idx.
SELECT span.upto_id, parsed.jobs + waiting.jobs
FROM (SELECT lag(id) OVER (ORDER BY id) AS after_id, id AS upto_id FROM unnest(%(ids)s::bigint[]) AS given (id)) span
CROSS JOIN LATERAL (
    SELECT count(*) AS jobs FROM archive.all_jobs job
    WHERE job.cluster_id = %(cluster)s AND job.external_id > span.after_id AND job.external_id <= span.upto_id
) parsed
CROSS JOIN LATERAL (
    SELECT count(DISTINCT waiting.external_id) AS jobs
    FROM (
        SELECT external_id FROM clusters_clustersyncdata
        WHERE cluster_id = %(cluster)s AND kind = 'job' AND external_id > span.after_id AND external_id <= span.upto_id
        UNION ALL
        SELECT external_id FROM pipeline.rejected_record
        WHERE cluster_id = %(cluster)s AND kind = 'job' AND external_id > span.after_id AND external_id <= span.upto_id
    ) waiting
    WHERE NOT EXISTS (SELECT FROM archive.all_jobs job
                      WHERE job.cluster_id = %(cluster)s AND job.external_id = waiting.external_id)
) waiting
WHERE span.after_id IS NOT NULL

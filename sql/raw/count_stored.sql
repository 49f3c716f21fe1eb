-- How many jobs that finished in (after, until] are here in any form: parsed, archived, waiting, in quarantine.
-- Indexes: clusters_job_finished_idx, archive.clusters_job_finished_idx, clusters_clustersyncdata_cluster_idx,
-- rejected_record_cluster_idx.
SELECT count(*)
FROM (
    SELECT external_id::bigint FROM archive.all_jobs
    WHERE cluster_id = %(cluster)s AND finished > %(after)s AND finished <= %(until)s
    UNION
    SELECT external_id FROM (
        SELECT external_id, data ->> 'finished' AS finished
        FROM clusters_clustersyncdata WHERE cluster_id = %(cluster)s AND kind = 'job'
        UNION ALL
        SELECT external_id, substring(document FROM '"finished": ?"([^"]*)"')
        FROM pipeline.rejected_record WHERE cluster_id = %(cluster)s AND kind = 'job'
    ) waiting
    WHERE CASE WHEN finished ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$'
               THEN finished::timestamptz > %(after)s AND finished::timestamptz <= %(until)s END
) stored

-- Of the jobs that finished in (after, until]: how many are stored, parsed or not, for each UTC day.
-- Indexes: clusters_job_finished_idx, clusters_clustersyncdata_cluster_idx.
SELECT (stored.finished AT TIME ZONE 'UTC')::date AS day, count(*)
FROM (
    SELECT external_id, finished
    FROM archive.all_jobs
    WHERE cluster_id = %(cluster)s AND finished > %(after)s AND finished <= %(until)s
    UNION
    SELECT external_id, finished
    FROM (
        SELECT external_id,
               CASE WHEN data ->> 'finished' ~ '^\d{4}-\d\d-\d\dT' THEN (data ->> 'finished')::timestamptz END AS finished
        FROM clusters_clustersyncdata
        WHERE cluster_id = %(cluster)s AND kind = 'job'
    ) unparsed
    WHERE finished > %(after)s AND finished <= %(until)s
) stored
GROUP BY 1
ORDER BY 1

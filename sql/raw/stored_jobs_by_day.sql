-- Number of jobs that finished in (after, until] and are parsed, archived, unparsed or in quarantine, per UTC day as
-- text. Finish times of unparsed documents are compared as text, because a cast would fail on 2026-02-31; a document
-- without a valid one counts on its day of arrival. Records without a valid id are distinguished by their row id.
-- Indexes: clusters_job_finished_idx, archive.clusters_job_finished_idx,
-- clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx,
-- rejected_record_cluster_idx, clusters_job_cluster_external_idx.
WITH waiting AS (
    SELECT external_id::bigint, 'raw ' || id AS number, data ->> 'finished' AS finished, internal_created AS came
    FROM clusters_clustersyncdata WHERE cluster_id = %(cluster)s AND kind = 'job'
    UNION ALL
    SELECT external_id, 'rejected ' || id, substring(document FROM '"finished": ?"([^"]*)"'), first_rejected
    FROM pipeline.rejected_record WHERE cluster_id = %(cluster)s AND kind = 'job'
), dated AS (
    SELECT external_id, COALESCE(external_id::text, number) AS identity,
           COALESCE(substring(finished FROM '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?'),
                    to_char(came AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')) COLLATE "C" AS finished
    FROM waiting
), counted AS (
    SELECT (finished AT TIME ZONE 'UTC')::date::text AS day, count(*) AS jobs
    FROM archive.all_jobs
    WHERE cluster_id = %(cluster)s AND finished > %(after)s AND finished <= %(until)s
    GROUP BY 1
    UNION ALL
    SELECT left(finished, 10), count(DISTINCT identity)
    FROM dated
    WHERE finished > to_char(%(after)s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') COLLATE "C"
      AND finished <= to_char(%(until)s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') COLLATE "C"
      AND NOT EXISTS (SELECT FROM archive.all_jobs stored
                      WHERE stored.cluster_id = %(cluster)s AND stored.external_id = dated.external_id
                        AND stored.finished > %(after)s AND stored.finished <= %(until)s)
    GROUP BY 1
)
SELECT day, sum(jobs)::bigint FROM counted GROUP BY day ORDER BY day

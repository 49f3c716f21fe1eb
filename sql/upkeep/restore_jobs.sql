-- Move at most `jobs` of a cluster's archived jobs back that are younger than `days` (0: all), after archive_after_days was
-- raised or set to 0. Labels and host summaries leave the archive with their job.
-- Indexes: archive.clusters_job_finished_idx, archive.clusters_joblabel_job_label_idx,
-- archive.clusters_jobhostsummary_job_idx.
WITH batch AS MATERIALIZED (
    SELECT id FROM archive.clusters_job
    WHERE cluster_id = %(cluster)s AND (%(days)s = 0 OR finished >= NOW() - make_interval(days => %(days)s))
    ORDER BY finished DESC LIMIT %(jobs)s
    FOR UPDATE
), gone AS (
    DELETE FROM archive.clusters_job WHERE id IN (SELECT id FROM batch) RETURNING {job}
), moved_jobs AS (
    INSERT INTO clusters_job ({job}) SELECT {job} FROM gone RETURNING 1
), moved_labels AS (
    INSERT INTO clusters_joblabel ({label})
    SELECT {label} FROM archive.clusters_joblabel WHERE job_id IN (SELECT id FROM batch) RETURNING 1
), moved_summaries AS (
    INSERT INTO clusters_jobhostsummary ({summary})
    SELECT {summary} FROM archive.clusters_jobhostsummary WHERE job_id IN (SELECT id FROM batch) RETURNING 1
)
SELECT (SELECT count(*) FROM moved_jobs), (SELECT count(*) FROM moved_labels), (SELECT count(*) FROM moved_summaries)

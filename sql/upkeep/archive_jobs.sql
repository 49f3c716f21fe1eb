-- Move at most `jobs` of a cluster's oldest finished jobs into the archive with labels and host summaries, in one
-- statement, so that a job is always in exactly one place. Labels and summaries leave their tables by the cascade.
-- Indexes: clusters_job_finished_idx, clusters_joblabel_job_label_idx, clusters_jobhostsummary_job_idx.
WITH batch AS MATERIALIZED (
    SELECT id FROM clusters_job
    WHERE cluster_id = %(cluster)s AND finished < NOW() - make_interval(days => %(days)s) AND NOT provisional
    ORDER BY finished LIMIT %(jobs)s
    FOR UPDATE
), moved_jobs AS (
    INSERT INTO archive.clusters_job ({job})
    SELECT {job} FROM clusters_job WHERE id IN (SELECT id FROM batch) RETURNING 1
), moved_labels AS (
    INSERT INTO archive.clusters_joblabel ({label})
    SELECT {label} FROM clusters_joblabel WHERE job_id IN (SELECT id FROM batch) RETURNING 1
), moved_summaries AS (
    INSERT INTO archive.clusters_jobhostsummary ({summary})
    SELECT {summary} FROM clusters_jobhostsummary WHERE job_id IN (SELECT id FROM batch) RETURNING 1
), gone AS (
    DELETE FROM clusters_job job USING batch WHERE job.id = batch.id
)
SELECT (SELECT count(*) FROM moved_jobs), (SELECT count(*) FROM moved_labels), (SELECT count(*) FROM moved_summaries)

-- Sets the manual minutes of the cluster's templates that still have the default, if estimate_template_minutes is on: the median
-- elapsed time of the first 20 successful runs with hosts (at least 5), in minutes, rounded up, for manual work on one host takes
-- at least as long as the automation on all. A trigger marks them as estimated.
-- Index: clusters_job_cluster_template_idx.
WITH source AS (SELECT set_config('marts.minutes_source', 'estimated', TRUE)),
estimate AS (
    SELECT m.job_template_id, GREATEST(1, ceil(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.elapsed) / 60))::int AS minutes
    FROM marts.template_minutes m
    JOIN clusters_jobtemplate t ON t.id = m.job_template_id AND t.cluster_id = %(cluster_id)s
    CROSS JOIN LATERAL (
        SELECT j.elapsed FROM archive.all_jobs j
        WHERE j.cluster_id = t.cluster_id AND j.job_template_id = t.id AND j.status = 'successful' AND j.num_hosts > 0
        ORDER BY j.finished + INTERVAL '0', j.id LIMIT 20  -- by template; an index by time would be read until 20 are found
    ) r
    WHERE m.source = 'default' AND m.valid_to = '9999-12-31'
      AND (SELECT estimate_template_minutes FROM marts.formula)
    GROUP BY m.job_template_id
    HAVING count(*) >= 5
)
UPDATE clusters_jobtemplate t SET time_taken_manually_execute_minutes = e.minutes
FROM estimate e, source
WHERE e.job_template_id = t.id

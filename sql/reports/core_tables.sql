-- Figures of core's tables for Dagster: a cluster's rows, counted up to `most`; the rows of the whole table by PostgreSQL's
-- statistics (-1: none yet); five sample rows, in selected columns without secrets, with names cut so that they fit on the page.
-- Indexes: (cluster_id, external_id) of each table, clusters_jobhostsummary_job_idx.
WITH found (asset, relation, counted, shown) AS (
    SELECT 'jobs', 'public.clusters_job'::regclass,
        (SELECT count(*) FROM (
            SELECT FROM clusters_job WHERE cluster_id = %(cluster)s ORDER BY external_id LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT external_id AS job, left(name, 60) AS name, status, to_char(finished AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS "finished (UTC)",
                elapsed AS "elapsed (s)", num_hosts AS hosts
            FROM clusters_job WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
    UNION ALL
    SELECT 'job_host_summaries', 'public.clusters_jobhostsummary'::regclass,
        -- OFFSET 0: job by job, which stops at the limit; a join of the sets would read the whole table first
        (SELECT count(*) FROM (
            SELECT FROM (SELECT id FROM clusters_job WHERE cluster_id = %(cluster)s
                         ORDER BY external_id LIMIT %(most)s) job
            CROSS JOIN LATERAL (SELECT FROM clusters_jobhostsummary WHERE job_id = job.id OFFSET 0) summary
            LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT job.external_id AS job, left(summary.host_name, 60) AS host, summary.ok, summary.changed, summary.failures,
                summary.dark, summary.skipped
            FROM (SELECT id, external_id FROM clusters_job WHERE cluster_id = %(cluster)s
                  ORDER BY external_id DESC LIMIT 5) job
            JOIN clusters_jobhostsummary summary ON summary.job_id = job.id
            ORDER BY job.external_id DESC, summary.id LIMIT 5) few)
    UNION ALL
    SELECT 'organizations', 'public.clusters_organization'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_organization WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name FROM clusters_organization
            WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
    UNION ALL
    SELECT 'job_templates', 'public.clusters_jobtemplate'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_jobtemplate WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name, time_taken_manually_execute_minutes AS "by hand (min)"
            FROM clusters_jobtemplate WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
    UNION ALL
    SELECT 'projects', 'public.clusters_project'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_project WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name FROM clusters_project
            WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
    UNION ALL
    SELECT 'inventories', 'public.clusters_inventory'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_inventory WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name FROM clusters_inventory
            WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
    UNION ALL
    SELECT 'execution_environments', 'public.clusters_executionenvironment'::regclass,
        (SELECT count(*) FROM (
            SELECT FROM clusters_executionenvironment WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name FROM clusters_executionenvironment
            WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
    UNION ALL
    SELECT 'instance_groups', 'public.clusters_instancegroup'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_instancegroup WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name FROM clusters_instancegroup
            WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
    UNION ALL
    SELECT 'launchers', 'public.clusters_aapuser'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_aapuser WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT type, left(name, 60) AS name FROM clusters_aapuser
            WHERE cluster_id = %(cluster)s LIMIT 5) few)
    UNION ALL
    SELECT 'hosts', 'public.clusters_host'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_host WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name FROM clusters_host
            WHERE cluster_id = %(cluster)s LIMIT 5) few)
    UNION ALL
    SELECT 'labels', 'public.clusters_label'::regclass,
        (SELECT count(*) FROM (SELECT FROM clusters_label WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (SELECT external_id AS id, left(name, 60) AS name FROM clusters_label
            WHERE cluster_id = %(cluster)s ORDER BY external_id DESC LIMIT 5) few)
)
SELECT asset, relation::text, counted, reltuples::bigint AS estimated, shown FROM found JOIN pg_class ON pg_class.oid = relation

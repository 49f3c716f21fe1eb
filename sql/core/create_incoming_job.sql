-- Temporary table of a batch's jobs with resolved references, stored by one statement; emptied at each commit.
CREATE TEMPORARY TABLE IF NOT EXISTS core_incoming_job ON COMMIT DELETE ROWS AS
SELECT external_id, {columns}, organization_id, job_template_id, project_id, inventory_id, execution_environment_id,
       instance_group_id, launched_by_id, FALSE AS launcher_named
FROM clusters_job WITH NO DATA

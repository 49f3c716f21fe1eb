-- Upsert a batch's jobs. A known job takes every value of its newest document, but keeps stored references that the
-- document lacks, because the controller has deleted the referenced object. Gives id and finished day of each. The
-- columns are those of aap_pipeline/documents/records.py. One scan with all ids: statistics that do not show a new cluster
-- yet make a lookup per row take any index that begins with cluster_id, and read the whole cluster for each. Uses
-- clusters_job_cluster_external_idx and archive.clusters_job_cluster_external_idx.
WITH known AS MATERIALIZED (
    SELECT DISTINCT ON (external_id) external_id, organization_id, job_template_id, project_id, inventory_id,
           execution_environment_id, instance_group_id, launched_by_id
    FROM archive.all_jobs
    WHERE cluster_id = %(cluster_id)s AND external_id = ANY (ARRAY(SELECT external_id FROM core_incoming_job))
)
INSERT INTO clusters_job (
    cluster_id, external_id, {columns},
    organization_id, job_template_id, project_id, inventory_id, execution_environment_id, instance_group_id,
    launched_by_id
)
SELECT
    %(cluster_id)s, i.external_id, {incoming},
    COALESCE(i.organization_id, known.organization_id), COALESCE(i.job_template_id, known.job_template_id),
    COALESCE(i.project_id, known.project_id), COALESCE(i.inventory_id, known.inventory_id),
    COALESCE(i.execution_environment_id, known.execution_environment_id),
    COALESCE(i.instance_group_id, known.instance_group_id),
    CASE WHEN i.launcher_named THEN i.launched_by_id ELSE COALESCE(known.launched_by_id, i.launched_by_id) END
FROM core_incoming_job i
LEFT JOIN known USING (external_id)
ORDER BY i.external_id
ON CONFLICT (cluster_id, external_id) DO UPDATE SET
    ({columns}) = ROW({excluded}),
    organization_id = EXCLUDED.organization_id, job_template_id = EXCLUDED.job_template_id,
    project_id = EXCLUDED.project_id, inventory_id = EXCLUDED.inventory_id,
    execution_environment_id = EXCLUDED.execution_environment_id, instance_group_id = EXCLUDED.instance_group_id,
    launched_by_id = EXCLUDED.launched_by_id, internal_modified = NOW()
RETURNING external_id, id, (finished AT TIME ZONE %(timezone)s)::date

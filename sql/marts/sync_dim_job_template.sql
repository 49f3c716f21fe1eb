-- The cluster's job templates as core knows them; only what changed is written.
INSERT INTO marts.dim_job_template (job_template_id, cluster_id, organization_id, name, removed)
SELECT c.id, c.cluster_id, COALESCE(c.organization_id, 0), c.name, c.removed_at IS NOT NULL
FROM clusters_jobtemplate c LEFT JOIN marts.dim_job_template d ON d.job_template_id = c.id
WHERE c.cluster_id = %(cluster_id)s
  AND (d.organization_id, d.name, d.removed)
    IS DISTINCT FROM (COALESCE(c.organization_id, 0), c.name, c.removed_at IS NOT NULL)
ON CONFLICT (job_template_id) DO UPDATE
    SET organization_id = excluded.organization_id, name = excluded.name, removed = excluded.removed

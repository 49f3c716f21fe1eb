-- Names for filters: the name at the controller, and one that distinguishes equal names in different clusters.
SELECT id, name, full_name FROM (
    SELECT 'cluster' AS kind, id, name, name::text AS full_name, id AS cluster_id FROM public.clusters_cluster
    UNION ALL SELECT 'organization', organization_id, name, organization, cluster_id FROM marts.dim_organization
    UNION ALL SELECT 'job_template', job_template_id, name, job_template, cluster_id FROM marts.dim_job_template
    UNION ALL SELECT 'project', project_id, name, project, cluster_id FROM marts.dim_project
    UNION ALL SELECT 'inventory', inventory_id, name, inventory, cluster_id FROM marts.dim_inventory
    UNION ALL SELECT 'label', label_id, name, label, cluster_id FROM marts.dim_label
) named
WHERE kind = %(kind)s AND (%(clusters)s::int[] IS NULL OR cluster_id IS NULL OR cluster_id = ANY (%(clusters)s))
ORDER BY full_name

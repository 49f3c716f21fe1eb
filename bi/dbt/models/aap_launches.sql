SELECT
    f.date,
    f.status,
    f.launch_type,
    f.hosts,
    f.runs,
    dim_cluster.cluster AS cluster,
    dim_organization.organization AS organization,
    dim_job_template.job_template AS job_template,
    dim_project.project AS project,
    dim_inventory.inventory AS inventory,
    dim_label_set.labels AS labels,
    dim_user.launched_by AS launched_by,
    dim_user.type AS launcher_type
FROM {{ source('marts', 'launches') }} f
JOIN {{ source('marts', 'dim_cluster') }} dim_cluster USING (cluster_id)
JOIN {{ source('marts', 'dim_organization') }} dim_organization USING (organization_id)
JOIN {{ source('marts', 'dim_job_template') }} dim_job_template USING (job_template_id)
JOIN {{ source('marts', 'dim_project') }} dim_project USING (project_id)
JOIN {{ source('marts', 'dim_inventory') }} dim_inventory USING (inventory_id)
JOIN {{ source('marts', 'dim_label_set') }} dim_label_set USING (label_set_id)
JOIN {{ source('marts', 'dim_user') }} dim_user USING (user_id)

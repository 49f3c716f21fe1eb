SELECT
    f.date,
    f.status,
    f.job_type,
    f.launch_type,
    f.automated_costs,
    f.elapsed_seconds,
    f.hosts,
    f.manual_costs,
    f.provisional_runs,
    f.run_costs,
    f.runs,
    f.savings,
    f.savings_as_recorded,
    f.time_savings_seconds,
    dim_cluster.cluster AS cluster,
    dim_organization.organization AS organization,
    dim_job_template.job_template AS job_template,
    dim_project.project AS project,
    dim_inventory.inventory AS inventory,
    dim_label_set.labels AS labels
FROM {{ source('marts', 'savings_daily') }} f
JOIN {{ source('marts', 'dim_cluster') }} dim_cluster USING (cluster_id)
JOIN {{ source('marts', 'dim_organization') }} dim_organization USING (organization_id)
JOIN {{ source('marts', 'dim_job_template') }} dim_job_template USING (job_template_id)
JOIN {{ source('marts', 'dim_project') }} dim_project USING (project_id)
JOIN {{ source('marts', 'dim_inventory') }} dim_inventory USING (inventory_id)
JOIN {{ source('marts', 'dim_label_set') }} dim_label_set USING (label_set_id)

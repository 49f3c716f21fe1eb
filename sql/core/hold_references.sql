-- Hold all that a batch's rows refer to until it commits, exactly as the checks of foreign keys hold it row by row, and say
-- how much of it is there. Uses each table's primary key, such as clusters_host_pkey.
SELECT sum(held.rows)::int FROM (
    SELECT count(*) AS rows FROM (SELECT FROM clusters_cluster
        WHERE id = %(cluster_id)s FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_organization
        WHERE id = ANY(%(organization)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_jobtemplate
        WHERE id = ANY(%(job_template)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_project
        WHERE id = ANY(%(project)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_inventory
        WHERE id = ANY(%(inventory)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_executionenvironment
        WHERE id = ANY(%(execution_environment)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_instancegroup
        WHERE id = ANY(%(instance_group)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_aapuser
        WHERE id = ANY(%(launched_by)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_label
        WHERE id = ANY(%(label)s::int[]) ORDER BY id FOR KEY SHARE) AS t
    UNION ALL SELECT count(*) FROM (SELECT FROM clusters_host
        WHERE id = ANY(%(host)s::int[]) ORDER BY id FOR KEY SHARE) AS t
) AS held

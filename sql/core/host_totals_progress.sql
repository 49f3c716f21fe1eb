-- Progress of the check of host totals, and the newest job. Uses clusters_job_pkey from its end.
SELECT COALESCE(c.newest_id, 0), COALESCE(c.audited_id, 0), COALESCE((SELECT max(id) FROM clusters_job), 0)
FROM (SELECT 1) one LEFT JOIN pipeline.host_totals_check c ON c.cluster_id = %(cluster_id)s

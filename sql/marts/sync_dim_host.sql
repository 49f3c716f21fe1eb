-- The cluster's hosts as core knows them; a new one gets the cluster's next ordinal, which never changes.
INSERT INTO marts.dim_host (host_id, cluster_id, ordinal, name)
SELECT c.id, c.cluster_id,
    COALESCE(d.ordinal, (SELECT COALESCE(max(ordinal) + 1, 0) FROM marts.dim_host WHERE cluster_id = %(cluster_id)s)
        + row_number() OVER (PARTITION BY d.host_id IS NULL ORDER BY c.id)::int - 1),
    c.name
FROM clusters_host c LEFT JOIN marts.dim_host d ON d.host_id = c.id
WHERE c.cluster_id = %(cluster_id)s AND (d.host_id IS NULL OR d.name <> c.name)
ON CONFLICT (host_id) DO UPDATE SET name = excluded.name

-- Hold the hosts and labels that a batch refers to until it commits, exactly as the check of a foreign key holds them row
-- by row, and say how many of each are there. Uses clusters_host_pkey and clusters_label_pkey.
SELECT
    (SELECT count(*) FROM (
        SELECT FROM clusters_host WHERE id = ANY(%(host_ids)s::int[]) ORDER BY id FOR KEY SHARE) AS held),
    (SELECT count(*) FROM (
        SELECT FROM clusters_label WHERE id = ANY(%(label_ids)s::int[]) ORDER BY id FOR KEY SHARE) AS held)

-- Every cluster, disabled ones included: their history stays.
SELECT id FROM clusters_cluster ORDER BY id

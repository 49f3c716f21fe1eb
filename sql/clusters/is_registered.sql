-- Whether the registry has a cluster of this name. Index: the unique one on the name.
SELECT 1 FROM clusters_cluster WHERE name = %(name)s AND removed_at IS NULL

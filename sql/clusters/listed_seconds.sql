-- Seconds since product and lists were read; NULL: never, or the last sync failed. Index: clusters_cluster_pkey.
SELECT extract(epoch FROM NOW() - listed_at)::float FROM clusters_cluster WHERE id = %(cluster)s

-- Pending work per cluster without a run: raw rows and changed days older than `seconds`, changed rates and minutes,
-- marts to rebuild; the newest id of each, NULL for none. Includes disabled and removed clusters, whose history is in
-- every report. Indexes: clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx,
-- changed_day_cluster_idx, changed_rate_pkey or changed_rate_cluster_idx.
SELECT cluster.name AS cluster,
       (SELECT raw.id FROM clusters_clustersyncdata raw
        WHERE raw.cluster_id = cluster.id AND raw.internal_created < NOW() - make_interval(secs => %(seconds)s)
        ORDER BY raw.id LIMIT 1) AS raw_row,
       (SELECT max(note.id) FROM pipeline.changed_day note WHERE note.cluster_id = cluster.id AND note.day IS NOT NULL
        AND note.noted_at < NOW() - make_interval(secs => %(seconds)s)) AS changed_day,
       (SELECT max(note.id) FROM pipeline.changed_rate note WHERE note.cluster_id = cluster.id) AS changed_rate,
       (SELECT max(note.id) FROM pipeline.changed_day note WHERE note.cluster_id = cluster.id AND note.day IS NULL) AS rebuild
FROM clusters_cluster cluster
ORDER BY cluster.name

-- Clusters whose money the refresh of another cluster changed. Index: changed_rate_cluster_idx.
SELECT DISTINCT cluster_id FROM pipeline.changed_rate ORDER BY cluster_id

-- External ids and fingerprints of a cluster's organizations or job templates, from unparsed raw rows first.
-- Indexes: clusters_organization_cluster_external_idx, clusters_jobtemplate_cluster_external_idx,
-- clusters_clustersyncdata_cluster_idx or clusters_clustersyncdata_external_idx.
SELECT DISTINCT ON (external_id) external_id, fingerprint
FROM (
    SELECT 1 AS priority, id, external_id, fingerprint FROM clusters_clustersyncdata
    WHERE cluster_id = %(cluster)s AND kind = %(kind)s AND external_id IS NOT NULL
    UNION ALL
    SELECT 2, id, external_id, fingerprint FROM clusters_organization
    WHERE cluster_id = %(cluster)s AND %(kind)s = 'organization'
    UNION ALL
    SELECT 2, id, external_id, fingerprint FROM clusters_jobtemplate
    WHERE cluster_id = %(cluster)s AND %(kind)s = 'job_template' AND removed_at IS NULL
    UNION ALL
    SELECT 3, id, external_id, fingerprint FROM pipeline.rejected_record
    WHERE cluster_id = %(cluster)s AND kind = %(kind)s AND external_id IS NOT NULL
) states
ORDER BY external_id, priority, id DESC

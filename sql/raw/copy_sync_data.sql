-- Raw rows as the controller sent them; binary, so that documents are not escaped on the way.
COPY clusters_clustersyncdata (cluster_id, kind, external_id, fingerprint, provisional, data) FROM STDIN (FORMAT binary)

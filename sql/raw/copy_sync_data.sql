-- Raw rows, copied in binary form, so that documents need no escaping.
COPY clusters_clustersyncdata (cluster_id, kind, external_id, fingerprint, provisional, data) FROM STDIN (FORMAT binary)

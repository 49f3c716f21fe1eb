-- Takes the notes that one cluster's marts must be built anew. Index: pipeline.rebuild_due_cluster_idx.
DELETE FROM pipeline.rebuild_due WHERE cluster_id = %(cluster_id)s RETURNING reason

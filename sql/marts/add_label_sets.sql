-- A key for each set of labels that is new, and its labels. Index: marts.dim_label_set_key_idx.
WITH added AS (
    INSERT INTO marts.dim_label_set (cluster_id, label_key)
    SELECT DISTINCT %(cluster_id)s::int, j.label_key FROM marts_job j
    WHERE j.label_key <> '' AND NOT EXISTS (
        SELECT FROM marts.dim_label_set s
        WHERE s.cluster_id = %(cluster_id)s AND md5(s.label_key) = md5(j.label_key))
    RETURNING label_set_id, label_key
)
INSERT INTO marts.bridge_label_set (label_set_id, label_id)
SELECT label_set_id, unnest(string_to_array(label_key, ','))::int FROM added

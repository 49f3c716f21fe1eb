-- The pentads to build go from host_set_pentad. Index: marts.host_set_pentad_pentad_idx.
DELETE FROM marts.host_set_pentad p
WHERE p.cluster_id = %(cluster_id)s AND p.pentad IN (SELECT marts.pentad(date) FROM marts_day)

-- The pentads to build go from launches_pentad. Index: marts.launches_pentad_pentad_idx.
DELETE FROM marts.launches_pentad p
WHERE p.cluster_id = %(cluster_id)s AND p.pentad IN (SELECT marts.pentad(date) FROM marts_day)

-- The pentads to build go from launcher_pentad. Index: its primary key.
DELETE FROM marts.launcher_pentad p
WHERE p.cluster_id = %(cluster_id)s AND p.pentad IN (SELECT marts.pentad(date) FROM marts_day)

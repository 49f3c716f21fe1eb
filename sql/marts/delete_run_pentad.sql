-- The pentads to build go from run_pentad. Index: marts.run_pentad_pentad_idx.
DELETE FROM marts.run_pentad p USING marts.series s
WHERE s.series_id = p.series_id AND s.cluster_id = %(cluster_id)s
  AND p.pentad IN (SELECT marts.pentad(date) FROM marts_day)

-- The first rate after a day that is set for the same. Index: rate_history_pkey.
SELECT valid_from, value FROM marts.rate_history
WHERE rate_type = %(rate_type)s AND cluster_id = %(cluster_id)s AND organization_id = %(organization_id)s
  AND valid_from > %(valid_from)s
ORDER BY valid_from LIMIT 1

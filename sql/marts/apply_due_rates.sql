-- A rate that was set for a later day moves into clusters_costs when that day has come.
UPDATE clusters_costs c SET value = h.value, internal_modified = now()
FROM (SELECT DISTINCT ON (rate_type) rate_type, value FROM marts.rate_history
      WHERE cluster_id = 0 AND organization_id = 0 AND valid_from <= marts.today() ORDER BY rate_type, valid_from DESC) h
WHERE h.rate_type = c.type AND h.value <> COALESCE(c.value, 0)

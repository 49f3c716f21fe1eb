-- The global rates in force today under the configured cost model. Reads the marts only. Index: marts.rate_history's
-- primary key.
SELECT DISTINCT ON (h.rate_type) h.rate_type, h.value
FROM marts.formula f
JOIN marts.rate_history h ON h.cluster_id = 0 AND h.organization_id = 0 AND h.valid_from <= marts.today()
    AND (h.rate_type IN ('hourly', 'subscription')) = f.subscription
ORDER BY h.rate_type, h.valid_from DESC

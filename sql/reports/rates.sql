-- What the settings' cost model charges everyone today: a minute by hand and of run time, or a person's hour and the
-- platform's month. Reads the marts only. Index: marts.rate_history's primary key.
SELECT DISTINCT ON (h.rate_type) h.rate_type, h.value
FROM marts.formula f
JOIN marts.rate_history h ON h.cluster_id = 0 AND h.organization_id = 0 AND h.valid_from <= marts.today()
    AND (h.rate_type IN ('hourly', 'subscription')) = f.subscription
ORDER BY h.rate_type, h.valid_from DESC

-- What a minute costs everyone today; no row under cost_model subscription, which prices months. Reads the marts only.
SELECT manual.value AS manual, automated.value AS automated
FROM marts.formula
CROSS JOIN LATERAL (SELECT value FROM marts.rate_history
    WHERE rate_type = 'manual' AND cluster_id = 0 AND organization_id = 0 AND valid_from <= marts.today()
    ORDER BY valid_from DESC LIMIT 1) manual
CROSS JOIN LATERAL (SELECT value FROM marts.rate_history
    WHERE rate_type = 'automated' AND cluster_id = 0 AND organization_id = 0 AND valid_from <= marts.today()
    ORDER BY valid_from DESC LIMIT 1) automated
WHERE NOT subscription

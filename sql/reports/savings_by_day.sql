-- Runs and savings of a cluster by day since `since`, for a picture. Reads the marts only.
SELECT date, sum(runs), sum(savings)
FROM marts.savings_daily WHERE cluster_id = %(cluster)s AND date >= %(since)s
GROUP BY date ORDER BY date

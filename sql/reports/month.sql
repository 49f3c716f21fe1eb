-- Savings of all clusters per day of this month, for a chart. Reads the marts only. Index: savings_daily_date_cluster_id_idx.
SELECT date AS bucket_date, sum(savings) AS savings FROM marts.savings_daily
WHERE date >= date_trunc('month', marts.today()::timestamp) GROUP BY date ORDER BY date

-- Clusters in which a month differs from the sum of its days.
SELECT s.cluster_id, format('%%s months of series differ from their days', count(*))
FROM (
    SELECT series_id, date_trunc('month', date::timestamp)::date AS month, sum(runs) AS runs, sum(hosts) AS hosts,
        sum(elapsed_ms) AS ms, sum(manual_cents_as_recorded) AS cents
    FROM marts.run_daily GROUP BY 1, 2
) d
FULL JOIN marts.run_monthly m USING (series_id, month)
JOIN marts.series s USING (series_id)
WHERE (d.runs, d.hosts, d.ms, d.cents) IS DISTINCT FROM (m.runs, m.hosts, m.elapsed_ms, m.manual_cents_as_recorded)
  AND (%(cluster_id)s::int IS NULL OR s.cluster_id = %(cluster_id)s)
GROUP BY s.cluster_id

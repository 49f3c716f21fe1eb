-- Clusters in which a month or a pentad differs from the sum of its days. Index: none, the marts are read whole.
SELECT s.cluster_id, format('%%s months and pentads of series differ from their days', count(*))
FROM (
    SELECT series_id, 'month' AS span, date_trunc('month', date::timestamp)::date AS starts, sum(runs) AS runs,
        sum(hosts) AS hosts, sum(elapsed_ms) AS ms, sum(manual_cents_as_recorded) AS cents
    FROM marts.run_daily GROUP BY 1, 2, 3
    UNION ALL
    SELECT series_id, 'pentad', marts.pentad(date), sum(runs), sum(hosts), sum(elapsed_ms), sum(manual_cents_as_recorded)
    FROM marts.run_daily GROUP BY 1, 2, 3
) d
FULL JOIN (
    SELECT series_id, 'month' AS span, month AS starts, runs, hosts, elapsed_ms, manual_cents_as_recorded FROM marts.run_monthly
    UNION ALL
    SELECT series_id, 'pentad', pentad, runs, hosts, elapsed_ms, manual_cents_as_recorded FROM marts.run_pentad
) m USING (series_id, span, starts)
JOIN marts.series s USING (series_id)
WHERE (d.runs, d.hosts, d.ms, d.cents) IS DISTINCT FROM (m.runs, m.hosts, m.elapsed_ms, m.manual_cents_as_recorded)
  AND (%(cluster_id)s::int IS NULL OR s.cluster_id = %(cluster_id)s)
GROUP BY s.cluster_id

-- The union of an organization's series. Index: marts.host_set_daily_date_idx.
INSERT INTO marts.organization_host_set_daily
SELECT d.date, s.cluster_id, s.organization_id, s.job_type = 'check', d.chunk, bit_or(d.hosts)
FROM marts.host_set_daily d JOIN marts_day USING (date) JOIN marts.series s USING (series_id)
WHERE s.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

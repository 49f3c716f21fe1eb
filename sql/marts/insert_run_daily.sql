-- One row a day and series. Runs have hosts; jobs without are counted apart, for the charts count them.
INSERT INTO marts.run_daily
SELECT q.*,
    COALESCE(q.hosts * t.manual_minutes * (p.manual * 100)::bigint, 0),
    COALESCE(q.runs * t.creation_minutes * (p.manual * 100)::bigint, 0),
    CASE WHEN t.job_template_id IS NULL THEN 0 ELSE q.elapsed_ms * (p.automated * 100)::bigint END
FROM (
    SELECT r.date, r.series_id,
        count(*) FILTER (WHERE r.num_hosts > 0) AS runs,
        count(*) FILTER (WHERE NOT r.num_hosts > 0) AS runs_without_hosts,
        count(*) FILTER (WHERE r.provisional) AS provisional_runs,
        sum(r.num_hosts) AS hosts,
        COALESCE(sum(r.changed_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.dark_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.failures_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.ok_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.processed_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.skipped_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.failed_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.ignored_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE(sum(r.rescued_hosts_count) FILTER (WHERE r.num_hosts > 0), 0),
        COALESCE((sum(r.elapsed) FILTER (WHERE r.num_hosts > 0) * 1000)::bigint, 0) AS elapsed_ms
    FROM marts_run r
    GROUP BY r.date, r.series_id
) q
JOIN marts.series s USING (series_id)
JOIN marts.rate_period p ON p.cluster_id = s.cluster_id AND p.organization_id = s.organization_id
    AND q.date >= p.valid_from AND q.date < p.valid_to
LEFT JOIN marts.template_minutes t ON t.job_template_id = s.job_template_id AND q.date >= t.valid_from AND q.date < t.valid_to
ORDER BY q.date, q.series_id

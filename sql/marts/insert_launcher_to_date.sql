-- Launchers' sums from each month's beginning to its end, for the days from the first that is built on.
-- Index: marts.launches_daily_date_idx.
INSERT INTO marts.launcher_to_date (date, cluster_id, organization_id, user_id,
    runs, successful_runs, hosts, check_runs, check_successful_runs, check_hosts, elapsed_ms, check_elapsed_ms)
WITH touched AS (
    SELECT date_trunc('month', date::timestamp)::date AS month, min(date) AS first_built FROM marts_day GROUP BY 1
), daily AS (
    SELECT w.month, d.date, s.organization_id, d.user_id,
        sum(d.runs) AS runs,
        COALESCE(sum(d.runs) FILTER (WHERE s.status = 'successful'), 0) AS successful_runs,
        sum(d.hosts) AS hosts,
        COALESCE(sum(d.runs) FILTER (WHERE s.job_type = 'check'), 0) AS check_runs,
        COALESCE(sum(d.runs) FILTER (WHERE s.status = 'successful' AND s.job_type = 'check'), 0) AS check_successful_runs,
        COALESCE(sum(d.hosts) FILTER (WHERE s.job_type = 'check'), 0) AS check_hosts,
        sum(d.elapsed_ms) AS elapsed_ms,
        COALESCE(sum(d.elapsed_ms) FILTER (WHERE s.job_type = 'check'), 0) AS check_elapsed_ms
    FROM touched w
    JOIN marts.launches_daily d ON d.date >= w.month AND d.date < w.month + interval '1 month'
    JOIN marts.series s ON s.series_id = d.series_id
    WHERE s.cluster_id = %(cluster_id)s
    GROUP BY w.month, d.date, s.organization_id, d.user_id
), day AS (
    SELECT f.month, g::date AS date, f.organization_id, f.user_id
    FROM (SELECT month, organization_id, user_id, min(date) AS first FROM daily GROUP BY month, organization_id, user_id) f
    CROSS JOIN LATERAL generate_series(f.first::timestamp, f.month + interval '1 month - 1 day', interval '1 day') g
), summed AS (
    SELECT g.month, g.date, g.organization_id, g.user_id,
    sum(d.runs) OVER running AS runs, sum(d.successful_runs) OVER running AS successful_runs,
    sum(d.hosts) OVER running AS hosts, sum(d.check_runs) OVER running AS check_runs,
    sum(d.check_successful_runs) OVER running AS check_successful_runs,
    sum(d.check_hosts) OVER running AS check_hosts, sum(d.elapsed_ms) OVER running AS elapsed_ms,
    sum(d.check_elapsed_ms) OVER running AS check_elapsed_ms
    FROM day g LEFT JOIN daily d USING (month, date, organization_id, user_id)
    WINDOW running AS (PARTITION BY g.month, g.organization_id, g.user_id ORDER BY g.date)
)
SELECT t.date, %(cluster_id)s::int, t.organization_id, t.user_id,
    t.runs, t.successful_runs, t.hosts, t.check_runs, t.check_successful_runs, t.check_hosts, t.elapsed_ms,
    t.check_elapsed_ms
FROM summed t JOIN touched w USING (month)
WHERE t.date >= w.first_built
ORDER BY t.date, t.organization_id, t.user_id

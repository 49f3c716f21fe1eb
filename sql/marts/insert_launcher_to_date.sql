-- Launchers' sums from each month's beginning, for the days from the first that is built to its end, from what was summed
-- to the day before. Indexes: marts.launches_daily_date_idx, marts.launcher_to_date_date_idx.
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
    JOIN marts.launches_daily d ON d.date >= w.first_built AND d.date < w.month + interval '1 month'
    JOIN marts.series s ON s.series_id = d.series_id
    WHERE s.cluster_id = %(cluster_id)s
    GROUP BY w.month, d.date, s.organization_id, d.user_id
    UNION ALL
    SELECT w.month, t.date, t.organization_id, t.user_id,
        t.runs, t.successful_runs, t.hosts, t.check_runs, t.check_successful_runs, t.check_hosts, t.elapsed_ms,
        t.check_elapsed_ms
    FROM touched w
    JOIN marts.launcher_to_date t ON t.cluster_id = %(cluster_id)s AND t.date = w.first_built - 1 AND t.date >= w.month
), summed AS (
    SELECT d.month, d.date, d.organization_id, d.user_id,
        lead(d.date, 1, (d.month + interval '1 month')::date) OVER month AS next_date,
        sum(d.runs) OVER month AS runs, sum(d.successful_runs) OVER month AS successful_runs,
        sum(d.hosts) OVER month AS hosts, sum(d.check_runs) OVER month AS check_runs,
        sum(d.check_successful_runs) OVER month AS check_successful_runs, sum(d.check_hosts) OVER month AS check_hosts,
        sum(d.elapsed_ms) OVER month AS elapsed_ms, sum(d.check_elapsed_ms) OVER month AS check_elapsed_ms
    FROM daily d
    WINDOW month AS (PARTITION BY d.month, d.organization_id, d.user_id ORDER BY d.date)
)
SELECT g::date, %(cluster_id)s::int, t.organization_id, t.user_id,
    t.runs, t.successful_runs, t.hosts, t.check_runs, t.check_successful_runs, t.check_hosts, t.elapsed_ms,
    t.check_elapsed_ms
FROM summed t JOIN touched w USING (month)
CROSS JOIN LATERAL generate_series(
    GREATEST(t.date, w.first_built)::timestamp, t.next_date::timestamp - interval '1 day', interval '1 day') g
ORDER BY g, t.organization_id, t.user_id

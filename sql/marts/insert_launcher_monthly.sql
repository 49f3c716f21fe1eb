-- The sum of an organization's days by launcher. Index: marts.launcher_daily's primary key.
INSERT INTO marts.launcher_monthly
SELECT w.month, d.cluster_id, d.organization_id, d.check_mode, d.user_id, sum(d.runs), sum(d.successful_runs), sum(d.hosts),
    sum(d.elapsed_ms)
FROM (SELECT DISTINCT date_trunc('month', date::timestamp)::date AS month FROM marts_day) w
JOIN marts.launcher_daily d ON d.date >= w.month AND d.date < w.month + interval '1 month'
WHERE d.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

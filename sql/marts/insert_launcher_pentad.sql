-- The sum of an organization's days by launcher, for the pentads that hold a day to build. Index: marts.launcher_daily's
-- primary key.
INSERT INTO marts.launcher_pentad
SELECT w.pentad, d.cluster_id, d.organization_id, d.check_mode, d.user_id, sum(d.runs), sum(d.successful_runs), sum(d.hosts),
    sum(d.elapsed_ms)
FROM (SELECT DISTINCT marts.pentad(date) AS pentad FROM marts_day) w
JOIN marts.launcher_daily d ON d.date >= w.pentad AND d.date < marts.next_pentad(w.pentad)
WHERE d.cluster_id = %(cluster_id)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5

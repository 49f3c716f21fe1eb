-- Jobs and host runs by hour, day, week, month or year, gaps filled with zeros. Reads the marts only.
SELECT bucket_date, date_bucket AT TIME ZONE (SELECT reporting_timezone FROM marts.formula) AS starts_at, job_count, host_count
FROM marts.job_counts(%(from_date)s, %(to_date)s, %(granularity)s, clusters := %(clusters)s, organizations := %(organizations)s,
    job_templates := %(job_templates)s, projects := %(projects)s, labels := %(labels)s, inventories := %(inventories)s)
ORDER BY date_bucket

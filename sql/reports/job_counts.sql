-- Jobs and hosts by day, week or month, gaps filled with zeros. Reads the marts only.
SELECT bucket_date, job_count, host_count
FROM marts.job_counts(%(from_date)s, %(to_date)s, %(granularity)s, clusters := %(clusters)s)
ORDER BY bucket_date

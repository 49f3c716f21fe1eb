-- Chart: hosts by day.
SELECT bucket_date, host_count FROM marts.job_counts(:from_date, :to_date, 'day');

-- Chart: jobs by day.
SELECT bucket_date, job_count FROM marts.job_counts(:from_date, :to_date, 'day');

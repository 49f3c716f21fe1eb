-- Chart: jobs by day.
SELECT bucket_date, job_count FROM marts.job_counts('2025-01-01', '2025-01-31', 'day');

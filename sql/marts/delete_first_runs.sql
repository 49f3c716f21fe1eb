-- First runs that lie on the days to build, or may have been preceded there, are looked for again.
DELETE FROM marts.first_run f
USING marts.series s, marts.series t, marts_touched w
WHERE s.series_id = f.series_id AND s.cluster_id = %(cluster_id)s
  AND t.series_id = w.series_id AND t.job_template_id = f.job_template_id AND t.job_type = f.job_type AND t.status = f.status
  AND f.date >= (SELECT min(date) FROM marts_day)

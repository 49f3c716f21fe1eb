-- Note the days that a batch changed for the marts: the old and new finish days of its jobs.
INSERT INTO pipeline.changed_day (cluster_id, day)
SELECT %(cluster_id)s, day FROM unnest(%(days)s::date[]) AS d (day) ORDER BY day

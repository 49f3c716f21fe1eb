-- Tell the marts which days a batch changed: the days on which its jobs finished, before and now.
INSERT INTO pipeline.changed_day (cluster_id, day)
SELECT %(cluster_id)s, day FROM unnest(%(days)s::date[]) AS d (day) ORDER BY day

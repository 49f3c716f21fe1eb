-- Whether a change of rates, minutes or settings waits for a refresh of any cluster. Both tables hold notes only.
SELECT EXISTS (SELECT FROM pipeline.changed_rate) OR EXISTS (SELECT FROM pipeline.changed_day WHERE day IS NULL)

-- Seconds since Dagster's daemon last said that it is alive; NULL if it never did. A table of one row a daemon type.
SELECT extract(epoch FROM (now() AT TIME ZONE 'UTC') - max(timestamp))::float8 FROM dagster.daemon_heartbeats

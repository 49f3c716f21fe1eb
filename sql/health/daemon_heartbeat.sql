-- Seconds since that thread of Dagster's daemon which runs the sensors last said that it is alive; NULL if it never did. A
-- table of one row a thread.
SELECT extract(epoch FROM (now() AT TIME ZONE 'UTC') - max(timestamp))::float8 FROM dagster.daemon_heartbeats
WHERE daemon_type = 'SENSOR'

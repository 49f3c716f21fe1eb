-- Seconds since the last heartbeat of the daemon's sensor thread; NULL: never. One row per thread.
SELECT extract(epoch FROM (now() AT TIME ZONE 'UTC') - max(timestamp))::float8 FROM dagster.daemon_heartbeats
WHERE daemon_type = 'SENSOR'

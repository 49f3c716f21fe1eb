-- Note a pause that the controller requested, of an hour at most. After a failure, runs and sensors wait for 15 s anyway.
-- Index: clusters_cluster_pkey.
UPDATE clusters_cluster
SET no_requests_before = GREATEST(no_requests_before, NOW() + LEAST(%(seconds)s::float, 3600) * INTERVAL '1 second')
WHERE id = %(cluster)s AND %(seconds)s::float > 15

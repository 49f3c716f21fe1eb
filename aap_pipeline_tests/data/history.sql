-- A past for tests of plans: two clusters share every large table.
SET session_replication_role = replica;  -- references hold by construction
DO $$
DECLARE
    kind TEXT;
BEGIN
    FOREACH kind IN ARRAY ARRAY['organization', 'project', 'inventory', 'executionenvironment', 'instancegroup',
                                'jobtemplate', 'label', 'aapuser'] LOOP
        EXECUTE format('INSERT INTO clusters_%I (cluster_id, external_id, name)
                        SELECT 1 + n %% 2, n, ''n'' FROM generate_series(1, 9000) n', kind);
    END LOOP;
END $$;
INSERT INTO clusters_aapuser (cluster_id, type, name)
SELECT 1 + n % 2, 'Dependency', 'd' || n FROM generate_series(1, 9000) n;
INSERT INTO clusters_host (cluster_id, external_id, name)
SELECT 1 + n % 2, CASE WHEN n % 5 > 0 THEN n END, 'host' || n FROM generate_series(1, 9000) n;
INSERT INTO clusters_job (cluster_id, external_id, name, started, finished, job_template_id, num_hosts)
SELECT 1 + n % 2, n, 'x', t, t, 1 + n % 100, 3
FROM (SELECT n, timestamptz '2024-01-01' + n * interval '26 min' AS t FROM generate_series(1, 20000) n) AS jobs;
INSERT INTO archive.clusters_job (cluster_id, external_id, name, started, finished)
SELECT 1 + n % 2, 10000000 + n, 'x', t, t
FROM (SELECT n, timestamptz '2023-01-01' + n * interval '26 min' AS t FROM generate_series(1, 20000) n) AS jobs;
INSERT INTO clusters_jobhostsummary (job_id, host_id, host_name, created, modified)
SELECT j.id, 1 + (j.id * 7 + n) % 9000, 'h', j.started, j.started FROM clusters_job j, generate_series(1, 3) n;
INSERT INTO archive.clusters_jobhostsummary (id, job_id, host_id, host_name, created, modified)
SELECT 1000000 + j.id, j.id, 1 + j.id % 9000, 'h', j.started, j.started FROM archive.clusters_job j;
INSERT INTO clusters_joblabel (job_id, label_id) SELECT j.id, 1 + j.id % 9000 FROM clusters_job j;
INSERT INTO archive.clusters_joblabel (id, job_id, label_id)
SELECT 1000000 + j.id, j.id, 1 + j.id % 9000 FROM archive.clusters_job j;
INSERT INTO pipeline.rejected_record (cluster_id, external_id, reason, message, document)
SELECT CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END, n, 'r', 'm', '{}' FROM generate_series(1, 20000) n;
INSERT INTO pipeline.raw_archive (cluster_id, kind, external_id, provisional, received_at, parsed_at, raw_id, document)
SELECT CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END, 'job', n, false, t, t, n, '{"id": 1}'
FROM (SELECT n, now() - n * interval '10 min' AS t FROM generate_series(1, 20000) n) AS documents;
INSERT INTO clusters_clustersyncdata (cluster_id, kind, external_id, data)
SELECT CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END, 'job', n, jsonb_build_object('n', n) FROM generate_series(1, 20000) n;
INSERT INTO pipeline.sync_run (cluster_id, kind, started_at, outcome)
SELECT 1 + n % 2, 'sync', now() - n * interval '5 min', 'succeeded' FROM generate_series(20000, 1, -1) n;
INSERT INTO pipeline.pending_summaries (cluster_id, external_id, finished)
SELECT 1 + n % 2, n, now() FROM generate_series(1, 2000) n;
INSERT INTO pipeline.changed_day (cluster_id, day) SELECT 1 + n % 2, date '2024-01-01' + n FROM generate_series(1, 2000) n;
INSERT INTO pipeline.changed_rate (cluster_id, valid_from, valid_to)
SELECT 1 + n % 2, date '2024-01-01', date '2024-02-01' FROM generate_series(1, 2000) n;
INSERT INTO pipeline.changed_day (cluster_id) SELECT 1 + n % 2 FROM generate_series(1, 2000) n;
INSERT INTO pipeline.alert (kind, subject, message, raised_at, resolved_at)
SELECT 'run_failed', 'update_cluster ' || n, 'm', now() - n * interval '1 h', now() FROM generate_series(20000, 1, -1) n;
INSERT INTO pipeline.alert_delivery (alert_id, receiver, resolution, delivered_at)
SELECT a.id, 'webhook', false, now() FROM pipeline.alert a;
RESET session_replication_role;

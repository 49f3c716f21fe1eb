-- A database with a past of `history.jobs` jobs, for tests of plans: two clusters share the big tables; the first is the
-- one that tests use.
SET session_replication_role = replica;  -- references hold by construction
INSERT INTO clusters_organization (cluster_id, external_id, name) SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_project (cluster_id, external_id, name) SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_inventory (cluster_id, external_id, name) SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_executionenvironment (cluster_id, external_id, name)
SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_instancegroup (cluster_id, external_id, name) SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_jobtemplate (cluster_id, external_id, name) SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_label (cluster_id, external_id, name) SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_aapuser (cluster_id, external_id, name) SELECT 1 + n % 2, n, 'n' FROM generate_series(1, 9000) n;
INSERT INTO clusters_aapuser (cluster_id, type, name)
SELECT 1 + n % 2, 'Dependency', 'd' || n FROM generate_series(1, 9000) n;
INSERT INTO clusters_host (cluster_id, external_id, name)
SELECT 1 + n % 2, CASE WHEN n % 5 > 0 THEN n END, 'host' || n FROM generate_series(1, 50000) n;
INSERT INTO clusters_job (cluster_id, external_id, name, started, finished)
SELECT 1 + n % 2, n, 'x', t, t
FROM (SELECT n, timestamptz '2024-01-01' + n * interval '31 s' AS t FROM generate_series(1, current_setting('history.jobs')::int) n) AS jobs;
INSERT INTO archive.clusters_job (cluster_id, external_id, name, started, finished)
SELECT 1 + n % 2, 10000000 + n, 'x', t, t FROM generate_series(1, 50000) n, (SELECT timestamptz '2023-01-01' AS t) AS past;
INSERT INTO clusters_jobhostsummary (job_id, host_id, host_name, created, modified)
SELECT j.id, 1 + (j.id * 7 + n) % 50000, 'h', j.started, j.started FROM clusters_job j, generate_series(1, 3) n;
INSERT INTO clusters_joblabel (job_id, label_id) SELECT j.id, 1 + j.id % 5000 FROM clusters_job j;
INSERT INTO pipeline.rejected_record (cluster_id, external_id, reason, message, document)
SELECT CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END, n, 'r', 'm', '{}' FROM generate_series(1, 20000) n;
INSERT INTO pipeline.raw_archive (cluster_id, kind, external_id, provisional, received_at, raw_id, document)
SELECT CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END, 'job', n, false, now(), n, '{"id": 1}' FROM generate_series(1, 20000) n;
INSERT INTO clusters_clustersyncdata (cluster_id, data)
SELECT CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END, jsonb_build_object('n', n, 'padding', repeat(md5(n::text), 20)) FROM generate_series(1, 30000) n;
RESET session_replication_role;

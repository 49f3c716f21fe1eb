-- Core at any size, by generate_series. The distribution, which decides what the marts can do:
--   3 clusters with a third of everything each; 100 job templates, 20 organizations, 60 projects, 30 labels, 200 people.
--   A template belongs to one organization and one project, and carries one or two labels; one run in ten carries one more.
--   88 % of runs are successful, 10 % failed, 2 % canceled; 5 % are in check mode.
--   70 % are launched by the template's schedule, 30 % by one of the organization's ten people.
--   Each run touches 10 hosts: of its template's inventory of 200, or (scatter) of all hosts of the cluster.
--   Runs are spread evenly over the days; elapsed is 5 s to 20 min, to the millisecond.
-- Settings read: bench.jobs, bench.hosts, bench.days, bench.scatter. Constraints are checked once, by building them.
SET session_replication_role = replica;
INSERT INTO clusters_cluster (id, protocol, address, port, access_token, name)
    SELECT c, 'https', 'bench' || c, 443, '', 'bench' || c FROM generate_series(1, 3) c;
INSERT INTO clusters_organization (id, cluster_id, external_id, name) SELECT i, i % 3 + 1, i, 'organization ' || i FROM generate_series(1, 20) i;
INSERT INTO clusters_jobtemplate (id, cluster_id, external_id, name, organization_id, time_taken_manually_execute_minutes, time_taken_create_automation_minutes)
    SELECT i, o.cluster_id, i, 'template ' || i, o.id, 10 + i % 50, 30 + i % 400
    FROM generate_series(1, 100) i JOIN clusters_organization o ON o.id = i % 20 + 1;
INSERT INTO clusters_project (id, cluster_id, external_id, name) SELECT i, ((i - 1) % 20 + 1) % 3 + 1, i, 'project ' || i FROM generate_series(1, 60) i;
INSERT INTO clusters_label (id, cluster_id, external_id, name) SELECT i, i % 3 + 1, i, 'label ' || i FROM generate_series(1, 30) i;
INSERT INTO clusters_aapuser (id, cluster_id, external_id, name, type) SELECT i, ((i - 1) % 20 + 1) % 3 + 1, i, 'person ' || i, 'user' FROM generate_series(1, 200) i;
INSERT INTO clusters_aapuser (id, cluster_id, external_id, name, type) SELECT 1000 + t.id, t.cluster_id, t.id, 'schedule ' || t.id, 'schedule' FROM clusters_jobtemplate t;
INSERT INTO clusters_host (id, cluster_id, external_id, name)
    SELECT i, i % 3 + 1, i, 'host' || i || '.example.com' FROM generate_series(1, current_setting('bench.hosts')::int) i;
SET session_replication_role = origin;
SELECT marts.set_rate('manual', 50, '0001-01-01'), marts.set_rate('automated', 20, '0001-01-01');
INSERT INTO marts.template_minutes SELECT id, '0001-01-01', '9999-12-31', time_taken_manually_execute_minutes,
    time_taken_create_automation_minutes, 'default' FROM clusters_jobtemplate;
SET session_replication_role = replica;

SELECT setseed(0.42);
DROP INDEX clusters_job_status_finished_idx, clusters_job_cluster_template_idx, clusters_job_finished_idx, clusters_job_cluster_external_idx;
INSERT INTO clusters_job (id, cluster_id, external_id, job_type, launch_type, name, status, started, finished, elapsed, failed,
    organization_id, job_template_id, project_id, launched_by_id, num_hosts, changed_hosts_count, ok_hosts_count, processed_hosts_count,
    failures_hosts_count, failed_hosts_count, created, modified)
SELECT r.i, t.cluster_id, r.i, CASE WHEN r.check_mode < 0.05 THEN 'check' ELSE 'run' END, 'scheduled', t.name,
    CASE WHEN r.outcome < 0.88 THEN 'successful' WHEN r.outcome < 0.98 THEN 'failed' ELSE 'canceled' END,
    r.finished - make_interval(secs => r.elapsed::float), r.finished, r.elapsed, r.outcome >= 0.88, t.organization_id, t.id,
    (t.id % 3) * 20 + t.organization_id,
    CASE WHEN r.launch < 0.7 THEN 1000 + t.id ELSE (r.person % 10) * 20 + t.organization_id END,
    10, 3, 9, 10, (r.outcome BETWEEN 0.88 AND 0.98)::int, (r.outcome BETWEEN 0.88 AND 0.98)::int, r.finished, r.finished
FROM (
    SELECT i, random() AS check_mode, random() AS outcome, random() AS launch, (random() * 1000)::int AS person,
        (random() * 99)::int + 1 AS template, (5 + random() * 1195)::numeric(15,3) AS elapsed,
        date_trunc('second', timestamptz '2024-06-01 UTC' + make_interval(secs => current_setting('bench.days')::float8 * 86400 * i / current_setting('bench.jobs')::float8 - 1))
            AS finished
    FROM generate_series(1, current_setting('bench.jobs')::int) i
) r JOIN clusters_jobtemplate t ON t.id = r.template;
CREATE INDEX clusters_job_status_finished_idx ON clusters_job (status, finished);
CREATE INDEX clusters_job_cluster_template_idx ON clusters_job (cluster_id, job_template_id);
CREATE INDEX clusters_job_finished_idx ON clusters_job (finished);
CREATE UNIQUE INDEX clusters_job_cluster_external_idx ON clusters_job (cluster_id, external_id);
INSERT INTO clusters_joblabel (job_id, label_id)
    SELECT j.id, (j.cluster_id + 1) % 3 + 1 + 3 * ((j.job_template_id / 3 + n) % 10)
    FROM clusters_job j CROSS JOIN generate_series(0, 2) n
    WHERE n = 0 OR (n = 1 AND j.job_template_id % 2 = 0) OR (n = 2 AND j.id % 10 = 0);
DROP INDEX clusters_jobhostsummary_job_idx, clusters_jobhostsummary_host_idx;
INSERT INTO clusters_jobhostsummary (job_id, host_id, host_name, changed, ok, processed, failures, failed, created, modified)
SELECT j.id, h.id, h.name, (k < 3)::int, 5, 1, (j.failed AND k = 9)::int, j.failed AND k = 9, j.finished, j.finished
FROM (SELECT id, failed, finished, cluster_id, job_template_id, (random() * 1000000)::int AS draw FROM clusters_job) j
CROSS JOIN generate_series(0, 9) k
CROSS JOIN LATERAL (
    SELECT current_setting('bench.hosts')::int / 3 AS size
) c
JOIN clusters_host h ON h.id = (j.cluster_id + 1) % 3 + 1 + 3 * (
    CASE WHEN current_setting('bench.scatter')::boolean THEN (j.draw + k * (c.size / 10)) % (c.size - 1)
    ELSE (j.job_template_id * 97 + (j.draw + k * 19) % 200) % (c.size - 1) END);
CREATE INDEX clusters_jobhostsummary_job_idx ON clusters_jobhostsummary (job_id);
CREATE INDEX clusters_jobhostsummary_host_idx ON clusters_jobhostsummary (host_id);
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['cluster', 'organization', 'jobtemplate', 'project', 'label', 'aapuser', 'host', 'job'] LOOP
        EXECUTE format('SELECT setval(pg_get_serial_sequence(%1$L, ''id''), max(id)) FROM %1$I', 'clusters_' || name);
    END LOOP;
END $$;
SET session_replication_role = origin;
INSERT INTO pipeline.changed_day (cluster_id) SELECT id FROM clusters_cluster;

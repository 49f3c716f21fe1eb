-- Schema marts: what BI reads. Quantities are stored, money is computed from them when it is read, so that a change of
-- rates needs no rewriting; what a run cost by the rates of its own day ("as recorded") is stored beside them.
CREATE SCHEMA marts;

-- Dimensions. Id 0 stands for "none" in each, so that every key of a fact finds its dimension.
CREATE TABLE marts.dim_cluster (
    cluster_id INTEGER PRIMARY KEY REFERENCES public.clusters_cluster(id) ON DELETE CASCADE,
    name VARCHAR(100) NOT NULL,
    address VARCHAR(255) NOT NULL,
    aap_version VARCHAR(50),
    enabled BOOLEAN NOT NULL,
    recorded_by_subscription BOOLEAN NOT NULL,
    recorded_divisor NUMERIC GENERATED ALWAYS AS (CASE WHEN recorded_by_subscription THEN 6000.000000000000 ELSE 100.0 END) STORED
);
CREATE TABLE marts.dim_organization (
    organization_id INTEGER PRIMARY KEY,
    cluster_id INTEGER REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    name VARCHAR(512) NOT NULL
);
CREATE TABLE marts.dim_job_template (
    job_template_id INTEGER PRIMARY KEY,
    cluster_id INTEGER REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL REFERENCES marts.dim_organization(organization_id) ON DELETE CASCADE,
    name VARCHAR(512) NOT NULL,
    removed BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE TABLE marts.dim_project (
    project_id INTEGER PRIMARY KEY,
    cluster_id INTEGER REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    name VARCHAR(512) NOT NULL
);
CREATE TABLE marts.dim_user (
    user_id INTEGER PRIMARY KEY,
    cluster_id INTEGER REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    name VARCHAR(512) NOT NULL,
    type VARCHAR(50) NOT NULL
);
CREATE TABLE marts.dim_label (
    label_id INTEGER PRIMARY KEY,
    cluster_id INTEGER REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    name VARCHAR(512) NOT NULL
);
CREATE TABLE marts.dim_host (
    host_id INTEGER PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    name VARCHAR(1024) NOT NULL,
    UNIQUE (cluster_id, ordinal)
);
CREATE TABLE marts.dim_date (
    date DATE PRIMARY KEY,
    year SMALLINT NOT NULL,
    quarter SMALLINT NOT NULL,
    month SMALLINT NOT NULL,
    day SMALLINT NOT NULL,
    year_month CHAR(7) NOT NULL,
    month_start DATE NOT NULL,
    month_name VARCHAR(9) NOT NULL,
    iso_year SMALLINT NOT NULL,
    iso_week SMALLINT NOT NULL,
    iso_year_week CHAR(8) NOT NULL,
    week_start DATE NOT NULL,
    weekday SMALLINT NOT NULL,
    weekday_name VARCHAR(9) NOT NULL,
    is_weekend BOOLEAN NOT NULL,
    fiscal_year SMALLINT NOT NULL,
    fiscal_quarter SMALLINT NOT NULL,
    fiscal_month SMALLINT NOT NULL
);
INSERT INTO marts.dim_organization VALUES (0, NULL, '(no organization)');
INSERT INTO marts.dim_job_template VALUES (0, NULL, 0, '(no job template)');
INSERT INTO marts.dim_project VALUES (0, NULL, '(no project)');
INSERT INTO marts.dim_user VALUES (0, NULL, '(nobody)', 'none');

-- Each distinct set of labels is one key. label_key holds the label ids in ascending order, comma-separated.
CREATE TABLE marts.dim_label_set (
    label_set_id SERIAL PRIMARY KEY,
    cluster_id INTEGER REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    label_key TEXT NOT NULL
);
CREATE UNIQUE INDEX dim_label_set_key_idx ON marts.dim_label_set (cluster_id, md5(label_key));
INSERT INTO marts.dim_label_set VALUES (0, NULL, '');
CREATE TABLE marts.bridge_label_set (
    label_set_id INTEGER NOT NULL REFERENCES marts.dim_label_set(label_set_id) ON DELETE CASCADE,
    label_id INTEGER NOT NULL REFERENCES marts.dim_label(label_id) ON DELETE CASCADE,
    PRIMARY KEY (label_set_id, label_id)
);
CREATE INDEX bridge_label_set_label_idx ON marts.bridge_label_set (label_id);

-- What runs for whom: one row for each combination of these that occurs. The facts that only functions read carry its key.
CREATE TABLE marts.workload (
    workload_id SERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL REFERENCES marts.dim_organization(organization_id) ON DELETE CASCADE,
    job_template_id INTEGER NOT NULL REFERENCES marts.dim_job_template(job_template_id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES marts.dim_project(project_id) ON DELETE CASCADE,
    label_set_id INTEGER NOT NULL REFERENCES marts.dim_label_set(label_set_id) ON DELETE CASCADE,
    UNIQUE (cluster_id, organization_id, job_template_id, project_id, label_set_id)
);

-- The same by job type and status: the facts that views show carry this key, filters read only this small table.
CREATE TABLE marts.series (
    series_id SERIAL PRIMARY KEY,
    workload_id INTEGER NOT NULL REFERENCES marts.workload(workload_id) ON DELETE CASCADE,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL REFERENCES marts.dim_organization(organization_id) ON DELETE CASCADE,
    job_template_id INTEGER NOT NULL REFERENCES marts.dim_job_template(job_template_id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES marts.dim_project(project_id) ON DELETE CASCADE,
    label_set_id INTEGER NOT NULL REFERENCES marts.dim_label_set(label_set_id) ON DELETE CASCADE,
    job_type VARCHAR(20) NOT NULL,
    status VARCHAR(25) NOT NULL,
    UNIQUE (workload_id, job_type, status)
);
CREATE INDEX series_template_idx ON marts.series (job_template_id);

-- Facts. int is enough for a day's or a month's counts of one series; elapsed is whole milliseconds, as precise as
-- core; costs as recorded are whole cents (sixtieths of them by an hourly rate), and for run time whole cents a minute times
-- milliseconds: exact, and added up several times faster than numeric.
CREATE TABLE marts.run_daily (
    date DATE NOT NULL REFERENCES marts.dim_date(date),
    series_id INTEGER NOT NULL REFERENCES marts.series(series_id) ON DELETE CASCADE,
    runs INTEGER NOT NULL,
    runs_without_hosts INTEGER NOT NULL,
    provisional_runs INTEGER NOT NULL,
    hosts INTEGER NOT NULL,
    changed_hosts INTEGER NOT NULL,
    dark_hosts INTEGER NOT NULL,
    failures_hosts INTEGER NOT NULL,
    ok_hosts INTEGER NOT NULL,
    processed_hosts INTEGER NOT NULL,
    skipped_hosts INTEGER NOT NULL,
    failed_hosts INTEGER NOT NULL,
    ignored_hosts INTEGER NOT NULL,
    rescued_hosts INTEGER NOT NULL,
    elapsed_ms BIGINT NOT NULL,
    PRIMARY KEY (series_id, date)
);
CREATE INDEX run_daily_date_idx ON marts.run_daily (date);
CREATE TABLE marts.run_monthly (LIKE marts.run_daily);
ALTER TABLE marts.run_monthly RENAME COLUMN date TO month;
ALTER TABLE marts.run_monthly
    ADD COLUMN manual_cents_as_recorded BIGINT NOT NULL,
    ADD COLUMN creation_cents_as_recorded BIGINT NOT NULL,
    ADD COLUMN run_cent_ms_as_recorded BIGINT NOT NULL,
    ADD PRIMARY KEY (series_id, month),
    ADD FOREIGN KEY (series_id) REFERENCES marts.series(series_id) ON DELETE CASCADE,
    ADD FOREIGN KEY (month) REFERENCES marts.dim_date(date);
CREATE INDEX run_monthly_month_idx ON marts.run_monthly (month);

-- The first run of each template, by job type and status, so that any population setting finds its own.
CREATE TABLE marts.first_run (
    job_template_id INTEGER NOT NULL REFERENCES marts.dim_job_template(job_template_id) ON DELETE CASCADE,
    job_type VARCHAR(20) NOT NULL,
    status VARCHAR(25) NOT NULL,
    series_id INTEGER NOT NULL REFERENCES marts.series(series_id) ON DELETE CASCADE,
    job_id INTEGER NOT NULL,
    date DATE NOT NULL,
    finished TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (job_template_id, job_type, status)
);
CREATE INDEX first_run_series_idx ON marts.first_run (series_id);

-- What follows is written and read by whole dates of a cluster, so that one index of both is enough: those of the keys were
-- a third of these tables, and checking references to the dimensions a good part of writing them.

-- Activity without templates, projects and labels: charts read it when no filter needs those.
CREATE TABLE marts.activity_daily (
    date DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL,
    check_mode BOOLEAN NOT NULL,
    jobs INTEGER NOT NULL,
    hosts INTEGER NOT NULL
);
CREATE INDEX activity_daily_date_idx ON marts.activity_daily (date, cluster_id);
CREATE INDEX activity_daily_cluster_idx ON marts.activity_daily (cluster_id, date);

CREATE TABLE marts.launches_daily (
    date DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    series_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    hosts INTEGER NOT NULL,
    elapsed_ms BIGINT NOT NULL
);
CREATE INDEX launches_daily_date_idx ON marts.launches_daily (date, cluster_id);
CREATE TABLE marts.launches_pentad (
    pentad DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    workload_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    successful_runs INTEGER NOT NULL,
    hosts INTEGER NOT NULL,
    check_mode BOOLEAN NOT NULL,
    elapsed_ms BIGINT NOT NULL
);
CREATE INDEX launches_pentad_pentad_idx ON marts.launches_pentad (pentad, cluster_id);
CREATE TABLE marts.launches_monthly (LIKE marts.launches_pentad);
ALTER TABLE marts.launches_monthly RENAME COLUMN pentad TO month;
ALTER TABLE marts.launches_monthly ADD FOREIGN KEY (cluster_id) REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE;
CREATE INDEX launches_monthly_month_idx ON marts.launches_monthly (month, cluster_id);

-- To date: sums from the beginning of the month up to and including each day, a row for each day from a key's first runs
-- in the month to the month's end. A range is the difference of few dates however long it is (marts.to_date_terms), so
-- that the questions read little. check_...: the part of it in check mode.
CREATE TABLE marts.workload_to_date (
    date DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    workload_id INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    successful_runs INTEGER NOT NULL,
    provisional_runs INTEGER NOT NULL,
    runs_without_hosts INTEGER NOT NULL,
    hosts INTEGER NOT NULL,
    successful_hosts INTEGER NOT NULL,
    check_runs INTEGER NOT NULL,
    check_successful_runs INTEGER NOT NULL,
    check_provisional_runs INTEGER NOT NULL,
    check_runs_without_hosts INTEGER NOT NULL,
    check_hosts INTEGER NOT NULL,
    check_successful_hosts INTEGER NOT NULL,
    elapsed_ms BIGINT NOT NULL,
    successful_elapsed_ms BIGINT NOT NULL,
    manual_cents_as_recorded BIGINT NOT NULL,
    successful_manual_cents_as_recorded BIGINT NOT NULL,
    creation_cents_as_recorded BIGINT NOT NULL,
    successful_creation_cents_as_recorded BIGINT NOT NULL,
    run_cent_ms_as_recorded BIGINT NOT NULL,
    successful_run_cent_ms_as_recorded BIGINT NOT NULL,
    check_elapsed_ms BIGINT NOT NULL,
    check_successful_elapsed_ms BIGINT NOT NULL,
    check_manual_cents_as_recorded BIGINT NOT NULL,
    check_successful_manual_cents_as_recorded BIGINT NOT NULL,
    check_creation_cents_as_recorded BIGINT NOT NULL,
    check_successful_creation_cents_as_recorded BIGINT NOT NULL,
    check_run_cent_ms_as_recorded BIGINT NOT NULL,
    check_successful_run_cent_ms_as_recorded BIGINT NOT NULL
);
CREATE INDEX workload_to_date_date_idx ON marts.workload_to_date (date, cluster_id);
CREATE TABLE marts.launcher_to_date (
    date DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    successful_runs INTEGER NOT NULL,
    hosts INTEGER NOT NULL,
    check_runs INTEGER NOT NULL,
    check_successful_runs INTEGER NOT NULL,
    check_hosts INTEGER NOT NULL,
    elapsed_ms BIGINT NOT NULL,
    check_elapsed_ms BIGINT NOT NULL
);
CREATE INDEX launcher_to_date_date_idx ON marts.launcher_to_date (date, cluster_id);

-- Sets of hosts as bitmaps: bit (ordinal % 1024) of chunk (ordinal / 1024) stands for a host of the cluster. Two grains:
-- by workload for any filter, by organization for those that name neither template nor project nor label.
CREATE TABLE marts.host_set_daily (
    date DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    workload_id INTEGER NOT NULL,
    chunk SMALLINT NOT NULL,
    check_mode BOOLEAN NOT NULL,
    hosts BIT(1024) NOT NULL
);
CREATE INDEX host_set_daily_date_idx ON marts.host_set_daily (date, cluster_id);
CREATE TABLE marts.host_set_pentad (LIKE marts.host_set_daily);
ALTER TABLE marts.host_set_pentad RENAME COLUMN date TO pentad;
ALTER TABLE marts.host_set_pentad ADD FOREIGN KEY (cluster_id) REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE;
CREATE INDEX host_set_pentad_pentad_idx ON marts.host_set_pentad (pentad, cluster_id);
CREATE TABLE marts.host_set_monthly (LIKE marts.host_set_daily);
ALTER TABLE marts.host_set_monthly RENAME COLUMN date TO month;
ALTER TABLE marts.host_set_monthly ADD FOREIGN KEY (cluster_id) REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE;
CREATE INDEX host_set_monthly_month_idx ON marts.host_set_monthly (month, cluster_id);
CREATE TABLE marts.organization_host_set_daily (
    date DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    organization_id INTEGER NOT NULL,
    check_mode BOOLEAN NOT NULL,
    chunk SMALLINT NOT NULL,
    hosts BIT(1024) NOT NULL
);
CREATE INDEX organization_host_set_daily_date_idx ON marts.organization_host_set_daily (date, cluster_id);
CREATE TABLE marts.organization_host_set_monthly (LIKE marts.organization_host_set_daily);
ALTER TABLE marts.organization_host_set_monthly RENAME COLUMN date TO month;
ALTER TABLE marts.organization_host_set_monthly ADD FOREIGN KEY (cluster_id) REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE;
CREATE INDEX organization_host_set_monthly_month_idx ON marts.organization_host_set_monthly (month, cluster_id);

-- The platform's elapsed time by month, over which a subscription's price is spread.
CREATE TABLE marts.platform_month (
    month DATE NOT NULL,
    cluster_id INTEGER NOT NULL REFERENCES marts.dim_cluster(cluster_id) ON DELETE CASCADE,
    check_mode BOOLEAN NOT NULL,
    status VARCHAR(25) NOT NULL,
    elapsed_ms BIGINT NOT NULL,
    PRIMARY KEY (month, cluster_id, check_mode, status)
);

-- What the refresh must still do, besides pipeline.changed_day; append-only for the same reason.
CREATE TABLE pipeline.changed_rate (
    id BIGSERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    valid_from DATE NOT NULL,
    noted_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX changed_rate_cluster_idx ON pipeline.changed_rate (cluster_id);
CREATE TABLE pipeline.rebuild_due (
    id BIGSERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    noted_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX rebuild_due_cluster_idx ON pipeline.rebuild_due (cluster_id);

-- The pipeline's internal state.
CREATE SCHEMA IF NOT EXISTS pipeline;

CREATE TABLE pipeline.sync_run (
    id BIGSERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    kind VARCHAR(20) NOT NULL DEFAULT 'sync',
    dagster_run_id VARCHAR(50),
    started_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    finished_at TIMESTAMPTZ,
    window_from TIMESTAMPTZ,
    window_to TIMESTAMPTZ,
    slices INTEGER NOT NULL DEFAULT 0,
    jobs_counted INTEGER NOT NULL DEFAULT 0,
    jobs_seen INTEGER NOT NULL DEFAULT 0,
    jobs_stored INTEGER NOT NULL DEFAULT 0,
    jobs_known INTEGER NOT NULL DEFAULT 0,
    jobs_provisional INTEGER NOT NULL DEFAULT 0,
    host_summaries BIGINT NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    retries JSONB NOT NULL DEFAULT '{}',
    bytes BIGINT NOT NULL DEFAULT 0,
    seconds NUMERIC(12,3),
    controller_seconds NUMERIC(12,3),
    share_held_back NUMERIC(5,4),
    paused BOOLEAN NOT NULL DEFAULT FALSE,
    lag_seconds NUMERIC(15,3),
    newest_finished TIMESTAMPTZ,
    outcome VARCHAR(20) NOT NULL DEFAULT 'running',
    error TEXT,
    CONSTRAINT valid_outcome CHECK (outcome IN ('running', 'succeeded', 'failed', 'interrupted'))
);
CREATE INDEX sync_run_cluster_idx ON pipeline.sync_run (cluster_id, id);

-- Finished jobs that were read before the controller had written their host summaries. After a deadline they are given up and
-- final, because most of them (canceled before the first task) never have any. Reconciliation reads them again.
CREATE TABLE pipeline.pending_summaries (
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    external_id INTEGER NOT NULL,
    finished TIMESTAMPTZ NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    given_up BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (cluster_id, external_id)
);

CREATE TABLE pipeline.rejected_record (
    id BIGSERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    kind VARCHAR(20) NOT NULL DEFAULT 'job',
    external_id BIGINT,
    reason VARCHAR(50) NOT NULL,
    message TEXT NOT NULL,
    document TEXT NOT NULL,
    fingerprint BYTEA,
    provisional BOOLEAN NOT NULL DEFAULT FALSE,
    attempts INTEGER NOT NULL DEFAULT 1,
    first_rejected TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_rejected TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX rejected_record_cluster_idx ON pipeline.rejected_record (cluster_id, kind, external_id);

-- Days whose core rows changed since the last refresh of the marts (NULL: all days, because a setting decides anew which runs count, and
-- on which day). Append-only: the refresh deletes the rows that it saw. One
-- row per day and cluster with ON CONFLICT DO NOTHING would lose a change that is committed during a refresh.
CREATE TABLE pipeline.changed_day (
    id BIGSERIAL PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    day DATE,
    noted_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX changed_day_cluster_idx ON pipeline.changed_day (cluster_id, id);

-- Progress of backfills (--since, --until), from which they resume. An open end is infinity.
CREATE TABLE pipeline.backfill (
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    window_from TIMESTAMPTZ NOT NULL,
    window_to TIMESTAMPTZ NOT NULL,
    done_to TIMESTAMPTZ NOT NULL,
    goes_on BOOLEAN NOT NULL DEFAULT FALSE,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (cluster_id, window_from, window_to)
);

-- Host summaries of a long history, read by host before the sweep reads their jobs, and the progress. Unlogged: a crash of the
-- server empties both, and they are read again.
CREATE UNLOGGED TABLE pipeline.host_stretch (
    cluster_id INTEGER PRIMARY KEY REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    after_id INTEGER NOT NULL,
    upto_id INTEGER NOT NULL,
    host_id INTEGER NOT NULL,
    hosts_upto INTEGER NOT NULL,
    unreported INTEGER[] NOT NULL,
    without_host INTEGER[] NOT NULL DEFAULT '{}',
    began_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNLOGGED TABLE pipeline.host_summaries_ahead (
    cluster_id INTEGER NOT NULL REFERENCES clusters_cluster(id) ON DELETE CASCADE,
    job_id INTEGER NOT NULL,
    document BYTEA NOT NULL
);
CREATE INDEX host_summaries_ahead_job_idx ON pipeline.host_summaries_ahead (cluster_id, job_id);

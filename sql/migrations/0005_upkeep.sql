-- Incidents and their deliveries.

-- One row per incident, with one message per receiver when it begins and one when it is resolved. A recurring incident is a new
-- row. The partial index prevents two open incidents of one kind and subject.
CREATE TABLE pipeline.alert (
    id BIGSERIAL PRIMARY KEY,
    kind VARCHAR(30) NOT NULL,
    subject VARCHAR(300) NOT NULL,
    message TEXT NOT NULL,
    link TEXT,
    raised_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    tell_from TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_seen TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    occurrences INTEGER NOT NULL DEFAULT 1,
    resolved_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX alert_open_idx ON pipeline.alert (kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alert_raised_at_idx ON pipeline.alert (raised_at);

-- Deliveries per receiver. No row: not attempted yet.
CREATE TABLE pipeline.alert_delivery (
    alert_id BIGINT NOT NULL REFERENCES pipeline.alert(id) ON DELETE CASCADE,
    receiver VARCHAR(20) NOT NULL,
    resolution BOOLEAN NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    delivered_at TIMESTAMPTZ,
    error TEXT,
    PRIMARY KEY (alert_id, receiver, resolution)
);
CREATE INDEX alert_delivery_due_idx ON pipeline.alert_delivery (next_attempt) WHERE delivered_at IS NULL;

CREATE TABLE pipeline.saved_report (
    name TEXT PRIMARY KEY,
    question JSONB NOT NULL,
    schedule TEXT CHECK (schedule IN ('daily', 'weekly', 'monthly', 'quarterly')),
    mail_to TEXT[] NOT NULL DEFAULT '{}',
    saved_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    done_for DATE
);

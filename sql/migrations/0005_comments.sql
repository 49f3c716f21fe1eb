-- What each table and column that upkeep added holds.

COMMENT ON TABLE pipeline.alert IS 'Incidents: what people are told once when it begins and once when it is over.';
COMMENT ON COLUMN pipeline.alert.id IS 'Primary key, given by the database.';
COMMENT ON COLUMN pipeline.alert.kind IS 'run_failed, check_failed, cluster_stale, token_expiring or token_refused.';
COMMENT ON COLUMN pipeline.alert.subject IS 'What it is about: a cluster, or a check and a cluster.';
COMMENT ON COLUMN pipeline.alert.message IS 'What happened and what to do, without secrets.';
COMMENT ON COLUMN pipeline.alert.link IS 'Where to look in the Dagster UI.';
COMMENT ON COLUMN pipeline.alert.raised_at IS 'When it began.';
COMMENT ON COLUMN pipeline.alert.tell_from IS 'From when on people are told; what is over by then is not told at all.';
COMMENT ON COLUMN pipeline.alert.last_seen IS 'When it was last seen.';
COMMENT ON COLUMN pipeline.alert.occurrences IS 'How often it was seen.';
COMMENT ON COLUMN pipeline.alert.resolved_at IS 'When it was over; NULL while it lasts.';

COMMENT ON TABLE pipeline.alert_delivery IS 'Which message of which incident each receiver was sent.';
COMMENT ON COLUMN pipeline.alert_delivery.alert_id IS 'The incident.';
COMMENT ON COLUMN pipeline.alert_delivery.receiver IS 'webhook, slack or smtp.';
COMMENT ON COLUMN pipeline.alert_delivery.resolution IS 'Whether it is the message that the incident is over.';
COMMENT ON COLUMN pipeline.alert_delivery.attempts IS 'How often it was tried.';
COMMENT ON COLUMN pipeline.alert_delivery.next_attempt IS 'When it is tried next.';
COMMENT ON COLUMN pipeline.alert_delivery.delivered_at IS 'When the receiver took it; NULL until then.';
COMMENT ON COLUMN pipeline.alert_delivery.error IS 'Why the last attempt failed; of one that was delivered: who of several did not get it.';

COMMENT ON TABLE pipeline.saved_report IS 'Reports that are kept under a name (aap-pipeline report save).';
COMMENT ON COLUMN pipeline.saved_report.name IS 'The name, also of its partition of the asset reports/saved.';
COMMENT ON COLUMN pipeline.saved_report.question IS 'Range, filters by name, and how money is shown.';
COMMENT ON COLUMN pipeline.saved_report.schedule IS 'When it is made by itself: daily, weekly (Monday), monthly or quarterly (first day), from 06:00 in the reporting time zone; NULL: never.';
COMMENT ON COLUMN pipeline.saved_report.mail_to IS 'Addresses that it is mailed to each time.';
COMMENT ON COLUMN pipeline.saved_report.saved_at IS 'When it was saved.';
COMMENT ON COLUMN pipeline.saved_report.done_for IS 'The day for which the schedule made it last.';

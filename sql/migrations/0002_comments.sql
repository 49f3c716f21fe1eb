-- What each table and column of the pipeline's book-keeping holds; id, cluster_id and fingerprint: 0004_comments.sql.

COMMENT ON TABLE pipeline.sync_run IS 'One row a sync of a cluster: its window, what it read, how it ended.';
COMMENT ON COLUMN pipeline.sync_run.kind IS 'sync, backfill, or what else reads from a controller.';
COMMENT ON COLUMN pipeline.sync_run.dagster_run_id IS 'The Dagster run that did it.';
COMMENT ON COLUMN pipeline.sync_run.started_at IS 'Start of the sync.';
COMMENT ON COLUMN pipeline.sync_run.finished_at IS 'End of the sync; NULL while it runs or if it was killed.';
COMMENT ON COLUMN pipeline.sync_run.window_from IS 'Jobs finished after this were asked for.';
COMMENT ON COLUMN pipeline.sync_run.window_to IS 'Jobs finished up to this were asked for.';
COMMENT ON COLUMN pipeline.sync_run.slices IS 'Slices of the window committed.';
COMMENT ON COLUMN pipeline.sync_run.jobs_counted IS 'Jobs in the window by the count of the controller.';
COMMENT ON COLUMN pipeline.sync_run.jobs_seen IS 'Jobs that arrived.';
COMMENT ON COLUMN pipeline.sync_run.jobs_stored IS 'Jobs written as raw rows, new or changed.';
COMMENT ON COLUMN pipeline.sync_run.jobs_known IS 'Jobs already stored complete and unchanged.';
COMMENT ON COLUMN pipeline.sync_run.jobs_provisional IS 'Jobs stored without all of their host summaries.';
COMMENT ON COLUMN pipeline.sync_run.host_summaries IS 'Host summaries read.';
COMMENT ON COLUMN pipeline.sync_run.requests IS 'Requests sent.';
COMMENT ON COLUMN pipeline.sync_run.retries IS 'Repeated requests by cause.';
COMMENT ON COLUMN pipeline.sync_run.bytes IS 'Bytes received.';
COMMENT ON COLUMN pipeline.sync_run.seconds IS 'Duration in seconds.';
COMMENT ON COLUMN pipeline.sync_run.controller_seconds IS 'Seconds that the controller took for its answers, added up over requests.';
COMMENT ON COLUMN pipeline.sync_run.share_held_back IS 'Of the time that requests took, the share in which the limits of the cluster held them back, 0 to 1.';
COMMENT ON COLUMN pipeline.sync_run.paused IS 'Whether it left the rest of its window to another run.';
COMMENT ON COLUMN pipeline.sync_run.lag_seconds IS 'Seconds from the finish of the newest job to the end of the sync; null for backfills and reconciliations.';
COMMENT ON COLUMN pipeline.sync_run.newest_finished IS 'Finish time of the newest job read.';
COMMENT ON COLUMN pipeline.sync_run.outcome IS 'running, succeeded, failed or interrupted.';
COMMENT ON COLUMN pipeline.sync_run.error IS 'Why it failed, in a sentence.';

COMMENT ON TABLE pipeline.host_stretch IS 'One row per cluster whose long history is read by host: of which jobs, and how far.';
COMMENT ON COLUMN pipeline.host_stretch.after_id IS 'Jobs of the controller with a higher id than this are read.';
COMMENT ON COLUMN pipeline.host_stretch.upto_id IS 'Jobs of the controller up to this id are read.';
COMMENT ON COLUMN pipeline.host_stretch.host_id IS 'Host of the controller up to which all hosts were read.';
COMMENT ON COLUMN pipeline.host_stretch.hosts_upto IS 'Last host of the controller when reading began.';
COMMENT ON COLUMN pipeline.host_stretch.doubted IS 'Jobs whose host summaries were not all written when reading began; they are read by job.';
COMMENT ON TABLE pipeline.host_summaries_ahead IS 'Host summaries that were read by host before their jobs were read.';
COMMENT ON COLUMN pipeline.host_summaries_ahead.job_id IS 'Id of the job at the controller.';
COMMENT ON COLUMN pipeline.host_summaries_ahead.document IS 'The host summary as JSON.';

COMMENT ON TABLE pipeline.pending_summaries IS
    'Finished jobs whose host summaries the controller had not written when they were read.';
COMMENT ON COLUMN pipeline.pending_summaries.external_id IS 'The controller''s job id.';
COMMENT ON COLUMN pipeline.pending_summaries.finished IS 'When the job finished.';
COMMENT ON COLUMN pipeline.pending_summaries.first_seen IS 'When it was first read without them.';
COMMENT ON COLUMN pipeline.pending_summaries.given_up IS
    'The deadline (summaries_deadline_minutes) has passed: the job is kept as it is; only reconciliation asks for it again.';

COMMENT ON TABLE pipeline.rejected_record IS
    'Quarantine: documents that do not fit, whole, with the reason; aap-pipeline rejected lists and replays them.';
COMMENT ON COLUMN pipeline.rejected_record.kind IS 'job, organization or job_template.';
COMMENT ON COLUMN pipeline.rejected_record.external_id IS 'The controller''s id, where the document has one.';
COMMENT ON COLUMN pipeline.rejected_record.reason IS 'Code of the reason.';
COMMENT ON COLUMN pipeline.rejected_record.message IS 'The reason in a sentence.';
COMMENT ON COLUMN pipeline.rejected_record.document IS 'The document as it was stored.';
COMMENT ON COLUMN pipeline.rejected_record.provisional IS 'Whether the raw row was provisional.';
COMMENT ON COLUMN pipeline.rejected_record.attempts IS 'How often it was tried.';
COMMENT ON COLUMN pipeline.rejected_record.first_rejected IS 'When it was first refused.';
COMMENT ON COLUMN pipeline.rejected_record.last_rejected IS 'When it was last refused.';

COMMENT ON TABLE pipeline.changed_day IS 'Days whose core rows changed since the marts were last built from them.';
COMMENT ON COLUMN pipeline.changed_day.day IS 'The day, in the reporting time zone.';
COMMENT ON COLUMN pipeline.changed_day.noted_at IS 'When the change was noted.';

COMMENT ON TABLE pipeline.backfill IS
    'How far each explicit window (--since, --until) has been synced, so that a killed backfill resumes.';
COMMENT ON COLUMN pipeline.backfill.window_from IS 'Begin of the window.';
COMMENT ON COLUMN pipeline.backfill.window_to IS 'End of the window.';
COMMENT ON COLUMN pipeline.backfill.done_to IS 'Everything up to here is done.';
COMMENT ON COLUMN pipeline.backfill.goes_on IS
    'It paused for the live syncs, and the new-jobs sensor goes on with it; false while it runs, and for one that was killed or failed.';
COMMENT ON COLUMN pipeline.backfill.updated_at IS 'When a slice was last committed.';

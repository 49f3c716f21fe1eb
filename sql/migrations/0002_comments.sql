-- Comments of schema pipeline, except id, cluster_id and fingerprint, which are in 0004_comments.sql.

COMMENT ON TABLE pipeline.sync_run IS 'One row per sync of a cluster: its window, figures and outcome.';
COMMENT ON COLUMN pipeline.sync_run.kind IS 'Kind of sync: sync, backfill or reconcile.';
COMMENT ON COLUMN pipeline.sync_run.dagster_run_id IS 'Id of the Dagster run; NULL: a reconciliation by command.';
COMMENT ON COLUMN pipeline.sync_run.started_at IS 'Start of the sync.';
COMMENT ON COLUMN pipeline.sync_run.finished_at IS 'End of the sync; NULL: it is running or was killed.';
COMMENT ON COLUMN pipeline.sync_run.window_from IS 'Begin of the window (exclusive): jobs that finished after it.';
COMMENT ON COLUMN pipeline.sync_run.window_to IS 'End of the window (inclusive): jobs that finished up to it.';
COMMENT ON COLUMN pipeline.sync_run.slices IS 'Number of committed slices of the window.';
COMMENT ON COLUMN pipeline.sync_run.jobs_counted IS 'Number of jobs in the window, counted by the controller.';
COMMENT ON COLUMN pipeline.sync_run.jobs_seen IS 'Number of jobs that the controller listed.';
COMMENT ON COLUMN pipeline.sync_run.jobs_stored IS 'Number of new or changed jobs written as raw rows.';
COMMENT ON COLUMN pipeline.sync_run.jobs_known IS 'Number of jobs that were already stored, complete and unchanged.';
COMMENT ON COLUMN pipeline.sync_run.jobs_provisional IS 'Number of jobs stored before all their host summaries were written.';
COMMENT ON COLUMN pipeline.sync_run.host_summaries IS 'Number of host summaries read.';
COMMENT ON COLUMN pipeline.sync_run.requests IS 'Number of requests sent.';
COMMENT ON COLUMN pipeline.sync_run.retries IS 'Numbers of repeated requests by cause.';
COMMENT ON COLUMN pipeline.sync_run.bytes IS 'Bytes received, after decompression.';
COMMENT ON COLUMN pipeline.sync_run.seconds IS 'Duration in seconds.';
COMMENT ON COLUMN pipeline.sync_run.controller_seconds IS 'Total response time of the controller in seconds, summed over all requests of the sync.';
COMMENT ON COLUMN pipeline.sync_run.share_held_back IS 'Share of the request time in which the cluster''s limits delayed requests, 0 to 1.';
COMMENT ON COLUMN pipeline.sync_run.paused IS 'Whether the sync left the rest of its window to another run.';
COMMENT ON COLUMN pipeline.sync_run.lag_seconds IS 'Seconds from the finish of the newest job to the end of the sync; NULL for backfills and reconciliations.';
COMMENT ON COLUMN pipeline.sync_run.newest_finished IS 'Finish time of the newest job read.';
COMMENT ON COLUMN pipeline.sync_run.outcome IS 'Outcome: running, succeeded, failed or interrupted.';
COMMENT ON COLUMN pipeline.sync_run.error IS 'Why the sync failed, as a sentence.';

COMMENT ON TABLE pipeline.host_stretch IS 'One row per cluster whose long history is being read by host: the range of jobs, and the progress.';
COMMENT ON COLUMN pipeline.host_stretch.after_id IS 'The stretch begins after the job with this id at the controller.';
COMMENT ON COLUMN pipeline.host_stretch.upto_id IS 'The stretch ends with the job with this id at the controller.';
COMMENT ON COLUMN pipeline.host_stretch.host_id IS 'All hosts up to this id at the controller were read.';
COMMENT ON COLUMN pipeline.host_stretch.hosts_upto IS 'Highest id of a host at the controller when the stretch began.';
COMMENT ON COLUMN pipeline.host_stretch.unreported IS 'Jobs whose host summaries were incomplete when the stretch began; they are read by job.';
COMMENT ON COLUMN pipeline.host_stretch.without_host IS 'Jobs with a host summary that belongs to no host; they are read by job.';
COMMENT ON COLUMN pipeline.host_stretch.began_at IS 'When the stretch began.';
COMMENT ON TABLE pipeline.host_summaries_ahead IS 'One row per host summary that was read by host before its job.';
COMMENT ON COLUMN pipeline.host_summaries_ahead.job_id IS 'Id of the job at the controller.';
COMMENT ON COLUMN pipeline.host_summaries_ahead.document IS 'The host summary as JSON.';

COMMENT ON TABLE pipeline.pending_summaries IS
    'One row per finished job that was read before the controller had written all its host summaries.';
COMMENT ON COLUMN pipeline.pending_summaries.external_id IS 'The controller''s job id.';
COMMENT ON COLUMN pipeline.pending_summaries.finished IS 'When the job finished.';
COMMENT ON COLUMN pipeline.pending_summaries.first_seen IS 'When the job was first read.';
COMMENT ON COLUMN pipeline.pending_summaries.given_up IS
    'True: summaries_deadline_minutes have passed, and only reconciliation still reads the job.';

COMMENT ON TABLE pipeline.rejected_record IS
    'Quarantine: one row per document that core rejected. aap-pipeline rejected lists and replays them.';
COMMENT ON COLUMN pipeline.rejected_record.kind IS
    'Kind of document: job, organization, job_template, job_template_gone or job_settled.';
COMMENT ON COLUMN pipeline.rejected_record.external_id IS 'The controller''s id of the record in the document; NULL: it has no valid id.';
COMMENT ON COLUMN pipeline.rejected_record.reason IS 'Code of the reason.';
COMMENT ON COLUMN pipeline.rejected_record.message IS 'The reason as a sentence.';
COMMENT ON COLUMN pipeline.rejected_record.document IS 'The document as it was stored.';
COMMENT ON COLUMN pipeline.rejected_record.provisional IS
    'True: the job was read before the controller had written all its host summaries.';
COMMENT ON COLUMN pipeline.rejected_record.attempts IS 'How often core has processed the document.';
COMMENT ON COLUMN pipeline.rejected_record.first_rejected IS 'When the document was first rejected.';
COMMENT ON COLUMN pipeline.rejected_record.last_rejected IS 'When the document was last rejected.';

COMMENT ON TABLE pipeline.changed_day IS 'Days whose core rows changed since the marts were last refreshed; append-only.';
COMMENT ON COLUMN pipeline.changed_day.day IS 'The day, in the reporting time zone; NULL: all days of the cluster.';
COMMENT ON COLUMN pipeline.changed_day.noted_at IS 'When the change was noted.';

COMMENT ON TABLE pipeline.backfill IS
    'One row per unfinished backfill (--since, --until): its progress, from which it resumes.';
COMMENT ON COLUMN pipeline.backfill.window_from IS 'Begin of the window (exclusive).';
COMMENT ON COLUMN pipeline.backfill.window_to IS 'End of the window (inclusive); infinity: open.';
COMMENT ON COLUMN pipeline.backfill.done_to IS 'All jobs that finished up to this time are stored.';
COMMENT ON COLUMN pipeline.backfill.goes_on IS
    'True: it paused for live syncs, and new_jobs_sensor resumes it. False: it is running, failed or was killed.';
COMMENT ON COLUMN pipeline.backfill.updated_at IS 'When a slice was last committed.';

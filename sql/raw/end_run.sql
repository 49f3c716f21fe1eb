-- Update the row of a finished sync. Index: sync_run_pkey.
UPDATE pipeline.sync_run
SET finished_at = NOW(), window_from = %(window_from)s, window_to = %(window_to)s, slices = %(slices)s, jobs_counted = %(jobs_counted)s, jobs_seen = %(jobs_seen)s,
    jobs_stored = %(jobs_stored)s, jobs_known = %(jobs_known)s, jobs_provisional = %(jobs_provisional)s,
    host_summaries = %(host_summaries)s, requests = %(requests)s, retries = %(retries)s, bytes = %(bytes)s,
    seconds = %(seconds)s, controller_seconds = %(controller_seconds)s, share_held_back = %(share_held_back)s,
    paused = %(paused)s, lag_seconds = %(lag_seconds)s, newest_finished = %(newest_finished)s,
    outcome = %(outcome)s, error = %(error)s
WHERE id = %(run)s

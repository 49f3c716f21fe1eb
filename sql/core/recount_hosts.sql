-- Recompute the host totals of jobs from their host summaries, and note the days of those that change. Uses
-- clusters_job_cluster_external_idx and clusters_jobhostsummary_job_idx.
WITH counted AS (
    SELECT j.id, s.num_hosts, s.changed, s.dark, s.failures, s.ok, s.processed, s.skipped, s.failed, s.ignored,
           s.rescued
    FROM clusters_job j, LATERAL (
        SELECT count(*)::int AS num_hosts,
               count(*) FILTER (WHERE changed > 0)::int AS changed, count(*) FILTER (WHERE dark > 0)::int AS dark,
               count(*) FILTER (WHERE failures > 0)::int AS failures, count(*) FILTER (WHERE ok > 0)::int AS ok,
               count(*) FILTER (WHERE processed > 0)::int AS processed,
               count(*) FILTER (WHERE skipped > 0)::int AS skipped, count(*) FILTER (WHERE failed)::int AS failed,
               count(*) FILTER (WHERE ignored > 0)::int AS ignored, count(*) FILTER (WHERE rescued > 0)::int AS rescued
        FROM clusters_jobhostsummary WHERE job_id = j.id
    ) s
    WHERE j.cluster_id = %(cluster_id)s AND j.external_id = ANY(%(external_ids)s::int[])
), recounted AS (
    UPDATE clusters_job j
    SET num_hosts = c.num_hosts, changed_hosts_count = c.changed, dark_hosts_count = c.dark,
        failures_hosts_count = c.failures, ok_hosts_count = c.ok, processed_hosts_count = c.processed,
        skipped_hosts_count = c.skipped, failed_hosts_count = c.failed, ignored_hosts_count = c.ignored,
        rescued_hosts_count = c.rescued, internal_modified = NOW()
    FROM counted c WHERE c.id = j.id
    RETURNING (j.finished AT TIME ZONE %(timezone)s)::date AS day
)
INSERT INTO pipeline.changed_day (cluster_id, day)
SELECT DISTINCT %(cluster_id)s::int, day FROM recounted WHERE day IS NOT NULL ORDER BY day

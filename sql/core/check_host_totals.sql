-- Jobs of an id range whose host statistics differ from their host summaries, and how many jobs were looked at. Reads the
-- jobs by clusters_job_pkey and their summaries by clusters_jobhostsummary_job_idx.
WITH jobs AS (
    SELECT id, external_id, num_hosts, changed_hosts_count, dark_hosts_count, failures_hosts_count, ok_hosts_count,
           processed_hosts_count, skipped_hosts_count, failed_hosts_count, ignored_hosts_count, rescued_hosts_count
    FROM clusters_job
    WHERE id > %(after)s AND id <= %(up_to)s AND cluster_id = %(cluster_id)s
    ORDER BY id LIMIT %(limit)s
), counted AS (
    SELECT j.id, j.external_id,
           (j.num_hosts, j.changed_hosts_count, j.dark_hosts_count, j.failures_hosts_count, j.ok_hosts_count,
            j.processed_hosts_count, j.skipped_hosts_count, j.failed_hosts_count, j.ignored_hosts_count,
            j.rescued_hosts_count)
           IS DISTINCT FROM
           (s.num_hosts, s.changed, s.dark, s.failures, s.ok, s.processed, s.skipped, s.failed, s.ignored, s.rescued)
           AS differs
    FROM jobs j, LATERAL (
        SELECT count(*)::int AS num_hosts,
               count(*) FILTER (WHERE changed > 0)::int AS changed, count(*) FILTER (WHERE dark > 0)::int AS dark,
               count(*) FILTER (WHERE failures > 0)::int AS failures, count(*) FILTER (WHERE ok > 0)::int AS ok,
               count(*) FILTER (WHERE processed > 0)::int AS processed,
               count(*) FILTER (WHERE skipped > 0)::int AS skipped, count(*) FILTER (WHERE failed)::int AS failed,
               count(*) FILTER (WHERE ignored > 0)::int AS ignored, count(*) FILTER (WHERE rescued > 0)::int AS rescued
        FROM clusters_jobhostsummary WHERE job_id = j.id
    ) s
)
SELECT count(*), max(id), COALESCE(array_agg(external_id ORDER BY id) FILTER (WHERE differs), '{}') FROM counted

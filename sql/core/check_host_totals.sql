-- Jobs whose host statistics differ from their host summaries, among the jobs that are new since the last check and the
-- next `audit` of a rotation through all others. If all agree, the progress of both is noted: the newest job, and the last
-- one of the rotation (0: begin again). Uses clusters_job_pkey, clusters_jobhostsummary_job_idx and host_totals_check_pkey.
WITH progress AS (
    SELECT COALESCE(c.newest_id, 0) AS newest_id, COALESCE(c.audited_id, 0) AS audited_id,
           COALESCE((SELECT max(id) FROM clusters_job), 0) AS last_id
    FROM (SELECT 1) one LEFT JOIN pipeline.host_totals_check c ON c.cluster_id = %(cluster_id)s
), jobs AS (
    (SELECT FALSE AS audited, id, external_id, num_hosts, changed_hosts_count, dark_hosts_count, failures_hosts_count,
            ok_hosts_count, processed_hosts_count, skipped_hosts_count, failed_hosts_count, ignored_hosts_count,
            rescued_hosts_count
    FROM clusters_job
    WHERE id > (SELECT newest_id FROM progress) AND id <= (SELECT last_id FROM progress)
      AND cluster_id = %(cluster_id)s)
    UNION ALL
    (SELECT TRUE, id, external_id, num_hosts, changed_hosts_count, dark_hosts_count, failures_hosts_count,
            ok_hosts_count, processed_hosts_count, skipped_hosts_count, failed_hosts_count, ignored_hosts_count,
            rescued_hosts_count
    FROM clusters_job
    WHERE id > (SELECT audited_id FROM progress) AND id <= (SELECT newest_id FROM progress)
      AND cluster_id = %(cluster_id)s
    ORDER BY id LIMIT %(audit)s)
), counted AS (
    SELECT j.audited, j.id, j.external_id,
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
), found AS (
    SELECT count(*) AS checked, COALESCE(array_agg(external_id ORDER BY id) FILTER (WHERE differs), '{}') AS disagreeing,
           (SELECT last_id FROM progress) AS newest_id,
           CASE WHEN count(*) FILTER (WHERE audited) = %(audit)s THEN max(id) FILTER (WHERE audited) ELSE 0 END AS audited_id
    FROM counted
), noted AS (
    INSERT INTO pipeline.host_totals_check (cluster_id, newest_id, audited_id)
    SELECT %(cluster_id)s, newest_id, audited_id FROM found WHERE disagreeing = '{}'
    ON CONFLICT (cluster_id) DO UPDATE
    SET newest_id = EXCLUDED.newest_id, audited_id = EXCLUDED.audited_id, checked_at = NOW()
)
SELECT checked, disagreeing FROM found

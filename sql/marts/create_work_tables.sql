-- What a refresh works on, gone with its transaction: the days to build, the months they lie in, the jobs that finished
-- on them, the same with their series, and the (month, series) pairs that any of it touches.
DROP TABLE IF EXISTS pg_temp.marts_day, pg_temp.marts_job, pg_temp.marts_run, pg_temp.marts_touched;
CREATE TEMPORARY TABLE marts_day (date DATE PRIMARY KEY, starts TIMESTAMPTZ NOT NULL, ends TIMESTAMPTZ NOT NULL)
    ON COMMIT DROP;
CREATE TEMPORARY TABLE marts_job ON COMMIT DROP AS
    SELECT CURRENT_DATE AS date, 0 AS organization_id, 0 AS job_template_id, 0 AS project_id, 0 AS user_id, ''::text AS label_key,
        j.*
    FROM (
        SELECT id, job_type, status, elapsed, num_hosts, provisional, changed_hosts_count, dark_hosts_count,
            failures_hosts_count, ok_hosts_count, processed_hosts_count, skipped_hosts_count, failed_hosts_count,
            ignored_hosts_count, rescued_hosts_count
        FROM clusters_job
    ) j WITH NO DATA;
CREATE TEMPORARY TABLE marts_run ON COMMIT DROP AS SELECT 0 AS series_id, j.* FROM marts_job j WITH NO DATA;
CREATE TEMPORARY TABLE marts_touched (month DATE, series_id INTEGER, PRIMARY KEY (series_id, month)) ON COMMIT DROP

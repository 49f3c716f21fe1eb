-- Workloads' sums from each month's beginning, for the days from the first that is built to its end; the sums are in the
-- order of the table's columns. What was summed to the day before counts as that day's, so that no earlier day is read; a
-- day without runs repeats the sums before it. Indexes: marts.run_daily_date_idx, marts.workload_to_date_date_idx.
INSERT INTO marts.workload_to_date
WITH touched AS (
    SELECT date_trunc('month', date::timestamp)::date AS month, min(date) AS first_built FROM marts_day GROUP BY 1
), daily AS (
    SELECT d.date, %(cluster_id)s::int AS cluster_id, s.workload_id,
        sum(d.runs) AS runs, sum(d.runs * s.successful) AS successful_runs, sum(d.provisional_runs) AS provisional_runs,
        sum(d.runs_without_hosts) AS runs_without_hosts, sum(d.hosts) AS hosts,
        sum(d.hosts * s.successful) AS successful_hosts, sum(d.runs * s.checked) AS check_runs,
        sum(d.runs * s.successful * s.checked) AS check_successful_runs,
        sum(d.provisional_runs * s.checked) AS check_provisional_runs,
        sum(d.runs_without_hosts * s.checked) AS check_runs_without_hosts, sum(d.hosts * s.checked) AS check_hosts,
        sum(d.hosts * s.successful * s.checked) AS check_successful_hosts, sum(d.elapsed_ms) AS elapsed_ms,
        sum(d.elapsed_ms * s.successful) AS successful_elapsed_ms,
        sum(d.manual_cents_as_recorded) AS manual_cents_as_recorded,
        sum(d.manual_cents_as_recorded * s.successful) AS successful_manual_cents_as_recorded,
        sum(d.creation_cents_as_recorded) AS creation_cents_as_recorded,
        sum(d.creation_cents_as_recorded * s.successful) AS successful_creation_cents_as_recorded,
        sum(d.run_cent_ms_as_recorded) AS run_cent_ms_as_recorded,
        sum(d.run_cent_ms_as_recorded * s.successful) AS successful_run_cent_ms_as_recorded,
        sum(d.elapsed_ms * s.checked) AS check_elapsed_ms,
        sum(d.elapsed_ms * s.successful * s.checked) AS check_successful_elapsed_ms,
        sum(d.manual_cents_as_recorded * s.checked) AS check_manual_cents_as_recorded,
        sum(d.manual_cents_as_recorded * s.successful * s.checked) AS check_successful_manual_cents_as_recorded,
        sum(d.creation_cents_as_recorded * s.checked) AS check_creation_cents_as_recorded,
        sum(d.creation_cents_as_recorded * s.successful * s.checked) AS check_successful_creation_cents_as_recorded,
        sum(d.run_cent_ms_as_recorded * s.checked) AS check_run_cent_ms_as_recorded,
        sum(d.run_cent_ms_as_recorded * s.successful * s.checked) AS check_successful_run_cent_ms_as_recorded,
        w.month
    FROM touched w
    JOIN marts.recorded_daily d ON d.date >= w.first_built AND d.date < w.month + interval '1 month'
    JOIN (
        SELECT series_id, workload_id, (status = 'successful')::int AS successful, (job_type = 'check')::int AS checked
        FROM marts.series WHERE cluster_id = %(cluster_id)s OFFSET 0
    ) s ON s.series_id = d.series_id
    GROUP BY w.month, d.date, s.workload_id
    UNION ALL
    SELECT t.*, w.month
    FROM touched w
    JOIN marts.workload_to_date t ON t.cluster_id = %(cluster_id)s AND t.date = w.first_built - 1 AND t.date >= w.month
), summed AS (
    SELECT d.month, d.date, d.workload_id, lead(d.date, 1, (d.month + interval '1 month')::date) OVER month AS next_date,
        sum(d.runs) OVER month AS runs, sum(d.successful_runs) OVER month AS successful_runs,
        sum(d.provisional_runs) OVER month AS provisional_runs, sum(d.runs_without_hosts) OVER month AS runs_without_hosts,
        sum(d.hosts) OVER month AS hosts, sum(d.successful_hosts) OVER month AS successful_hosts,
        sum(d.check_runs) OVER month AS check_runs, sum(d.check_successful_runs) OVER month AS check_successful_runs,
        sum(d.check_provisional_runs) OVER month AS check_provisional_runs,
        sum(d.check_runs_without_hosts) OVER month AS check_runs_without_hosts,
        sum(d.check_hosts) OVER month AS check_hosts, sum(d.check_successful_hosts) OVER month AS check_successful_hosts,
        sum(d.elapsed_ms) OVER month AS elapsed_ms, sum(d.successful_elapsed_ms) OVER month AS successful_elapsed_ms,
        sum(d.manual_cents_as_recorded) OVER month AS manual_cents_as_recorded,
        sum(d.successful_manual_cents_as_recorded) OVER month AS successful_manual_cents_as_recorded,
        sum(d.creation_cents_as_recorded) OVER month AS creation_cents_as_recorded,
        sum(d.successful_creation_cents_as_recorded) OVER month AS successful_creation_cents_as_recorded,
        sum(d.run_cent_ms_as_recorded) OVER month AS run_cent_ms_as_recorded,
        sum(d.successful_run_cent_ms_as_recorded) OVER month AS successful_run_cent_ms_as_recorded,
        sum(d.check_elapsed_ms) OVER month AS check_elapsed_ms,
        sum(d.check_successful_elapsed_ms) OVER month AS check_successful_elapsed_ms,
        sum(d.check_manual_cents_as_recorded) OVER month AS check_manual_cents_as_recorded,
        sum(d.check_successful_manual_cents_as_recorded) OVER month AS check_successful_manual_cents_as_recorded,
        sum(d.check_creation_cents_as_recorded) OVER month AS check_creation_cents_as_recorded,
        sum(d.check_successful_creation_cents_as_recorded) OVER month AS check_successful_creation_cents_as_recorded,
        sum(d.check_run_cent_ms_as_recorded) OVER month AS check_run_cent_ms_as_recorded,
        sum(d.check_successful_run_cent_ms_as_recorded) OVER month AS check_successful_run_cent_ms_as_recorded
    FROM daily d
    WINDOW month AS (PARTITION BY d.month, d.workload_id ORDER BY d.date)
)
SELECT g::date, %(cluster_id)s::int, t.workload_id,
    t.runs, t.successful_runs, t.provisional_runs, t.runs_without_hosts, t.hosts, t.successful_hosts, t.check_runs,
    t.check_successful_runs, t.check_provisional_runs, t.check_runs_without_hosts, t.check_hosts, t.check_successful_hosts,
    t.elapsed_ms, t.successful_elapsed_ms, t.manual_cents_as_recorded, t.successful_manual_cents_as_recorded,
    t.creation_cents_as_recorded, t.successful_creation_cents_as_recorded, t.run_cent_ms_as_recorded,
    t.successful_run_cent_ms_as_recorded, t.check_elapsed_ms, t.check_successful_elapsed_ms,
    t.check_manual_cents_as_recorded, t.check_successful_manual_cents_as_recorded, t.check_creation_cents_as_recorded,
    t.check_successful_creation_cents_as_recorded, t.check_run_cent_ms_as_recorded,
    t.check_successful_run_cent_ms_as_recorded
FROM summed t JOIN touched w USING (month)
CROSS JOIN LATERAL generate_series(
    GREATEST(t.date, w.first_built)::timestamp, t.next_date::timestamp - interval '1 day', interval '1 day') g
ORDER BY g, t.workload_id

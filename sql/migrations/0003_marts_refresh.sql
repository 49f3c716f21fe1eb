-- What a refresh does, one cluster at a time, in one transaction: aap_pipeline/marts/refresh.py calls these functions in turn.

-- Successful and failed jobs of core with the keys of the marts.
CREATE VIEW rollup.job AS
    SELECT (j.finished AT TIME ZONE f.reporting_timezone)::date AS date, j.cluster_id,
        COALESCE(j.organization_id, 0) AS organization_id, COALESCE(j.job_template_id, 0) AS job_template_id,
        COALESCE(j.project_id, 0) AS project_id, COALESCE(j.inventory_id, 0) AS inventory_id,
        COALESCE((SELECT string_agg(x.label_id::text, ',' ORDER BY x.label_id) FROM archive.all_job_labels x WHERE x.job_id = j.id), '')
            AS label_key,
        COALESCE(j.job_type, 'run') AS job_type, j.status, COALESCE(j.launched_by_id, 0) AS user_id,
        COALESCE(j.launch_type, 'manual') AS launch_type,
        j.job_slice_number, j.job_slice_count, j.id AS job_id, j.external_id, j.name, j.started, j.finished,
        j.elapsed AS elapsed_seconds, COALESCE(j.num_hosts, 0) AS hosts, j.provisional,
        COALESCE(j.num_hosts, 0) > 0 AND COALESCE(j.job_slice_number, 0) > 1 AS is_extra_slice,
        COALESCE(j.num_hosts, 0) > 0 AND (COALESCE(j.job_slice_number, 0) < 2 OR NOT f.slices_once) AS is_run,
        j.changed_hosts_count, j.dark_hosts_count, j.failures_hosts_count, j.ok_hosts_count, j.processed_hosts_count,
        j.skipped_hosts_count, j.failed_hosts_count, j.ignored_hosts_count, j.rescued_hosts_count,
        m.job_template_id IS NOT NULL AS excluded,
        m.job_template_id IS NOT NULL OR COALESCE(j.job_type, 'run') = 'check' AND NOT f.count_check_mode AS left_out
    FROM archive.all_jobs j CROSS JOIN marts.formula f
    LEFT JOIN marts.template_minutes m ON m.job_template_id = j.job_template_id AND m.excluded
        AND m.valid_from <= (j.finished AT TIME ZONE f.reporting_timezone)::date
        AND m.valid_to > (j.finished AT TIME ZONE f.reporting_timezone)::date
    WHERE j.status IN ('successful', 'failed') AND j.finished IS NOT NULL;

CREATE VIEW rollup.dim_label_set AS
    SELECT s.label_set_id, s.cluster_id, s.label_key, string_agg(l.name, ', ' ORDER BY l.name, l.label_id) AS labels
    FROM marts.dim_label_set s JOIN marts.bridge_label_set b USING (label_set_id) JOIN marts.dim_label l USING (label_id)
    GROUP BY s.label_set_id;

-- Writes what differs between the dimensions and their views, then new hosts with their ordinals, which never change.
CREATE FUNCTION rollup.sync_dimensions(of_cluster INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    dimension TEXT;
BEGIN
    FOREACH dimension IN ARRAY ARRAY['cluster', 'organization', 'job_template', 'project', 'inventory', 'user', 'label', 'label_set'] LOOP
        EXECUTE format('INSERT INTO marts.dim_%1$s (%2$s) SELECT %2$s FROM rollup.dim_%1$s WHERE cluster_id = $1'
            ' EXCEPT SELECT %2$s FROM marts.dim_%1$s ON CONFLICT (%1$s_id) DO UPDATE SET %3$s', dimension,
            rollup.columns('marts.dim_' || dimension), rollup.columns('marts.dim_' || dimension, '%1$I = excluded.%1$I')) USING of_cluster;
    END LOOP;
    INSERT INTO rollup.host (host_id, cluster_id, ordinal, name)
    SELECT c.id, c.cluster_id,
        COALESCE(d.ordinal, (SELECT COALESCE(max(ordinal) + 1, 0) FROM rollup.host WHERE cluster_id = of_cluster)
            + row_number() OVER (PARTITION BY d.host_id IS NULL ORDER BY c.id)::int - 1),
        c.name
    FROM public.clusters_host c LEFT JOIN rollup.host d ON d.host_id = c.id
    WHERE c.cluster_id = of_cluster AND (d.host_id IS NULL OR d.name <> c.name)
    ON CONFLICT (host_id) DO UPDATE SET name = excluded.name;
END $$;

-- Reads the jobs that finished on the days (NULL: on all days that core or the marts know of) into work tables. Returns the days.
-- Dimensions follow after the jobs: a batch that core commits in between may bring jobs, but never one without its dimensions.
CREATE FUNCTION rollup.load_jobs(of_cluster INTEGER, days DATE[]) RETURNS SETOF DATE LANGUAGE plpgsql AS $$
DECLARE
    zone TEXT := (SELECT reporting_timezone FROM marts.formula);
BEGIN
    DROP TABLE IF EXISTS pg_temp.marts_day, pg_temp.marts_job, pg_temp.marts_fact, pg_temp.marts_host;
    CREATE TEMPORARY TABLE marts_day ON COMMIT DROP AS
        SELECT d AS date, rollup.day_start(d, zone) AS starts, rollup.day_start(d + 1, zone) AS ends
        FROM (
            SELECT unnest(days) AS d
            UNION SELECT (j.finished AT TIME ZONE zone)::date FROM archive.all_jobs j
            WHERE days IS NULL AND j.cluster_id = of_cluster AND j.finished IS NOT NULL
            UNION SELECT date FROM marts.savings_daily WHERE days IS NULL AND cluster_id = of_cluster
            UNION SELECT date FROM rollup.left_out_daily WHERE days IS NULL AND cluster_id = of_cluster
        ) known;
    PERFORM rollup.fill_dates(min(date), max(date)) FROM marts_day;
    ANALYZE marts_day;
    EXECUTE format('CREATE TEMPORARY TABLE marts_job ON COMMIT DROP AS SELECT %s, 0 AS label_set_id FROM marts_day d JOIN rollup.job j'
        ' ON j.finished >= d.starts AND j.finished < d.ends AND j.date = d.date AND NOT j.excluded WHERE j.cluster_id = $1',
        rollup.columns('rollup.job', 'j.%1$I')) USING of_cluster;
    PERFORM rollup.sync_dimensions(of_cluster), rollup.resolve_rates(of_cluster);
    WITH added AS (
        INSERT INTO marts.dim_label_set (cluster_id, label_key)
        SELECT DISTINCT of_cluster, j.label_key FROM marts_job j
        WHERE j.label_key <> '' AND NOT EXISTS (
            SELECT FROM marts.dim_label_set s WHERE s.cluster_id = of_cluster AND md5(s.label_key) = md5(j.label_key))
        RETURNING label_set_id, label_key
    )
    INSERT INTO marts.bridge_label_set (label_set_id, label_id)
    SELECT label_set_id, unnest(string_to_array(label_key, ','))::int FROM added;
    UPDATE marts.dim_label_set s SET labels = l.labels FROM rollup.dim_label_set l
    WHERE FOUND AND l.label_set_id = s.label_set_id AND l.cluster_id = of_cluster AND s.labels <> l.labels;
    UPDATE marts_job j SET label_set_id = s.label_set_id FROM marts.dim_label_set s
    WHERE s.cluster_id = of_cluster AND j.label_key <> '' AND s.label_key = j.label_key;
    ANALYZE marts_job;
    RETURN QUERY SELECT date FROM marts_day ORDER BY date;
END $$;

-- Finds the first runs of templates again on the days, and where a job on them precedes one: among the jobs of the days or, where a day
-- has lost its first run, in core. Notes the other days on which a creation that is booked once was or is now booked.
CREATE FUNCTION rollup.write_first_runs(of_cluster INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    -- First those of each kind of run, which a population takes or leaves as a whole.
    write CONSTANT TEXT := format($query$
        INSERT INTO rollup.first_run (%1$s)
        SELECT DISTINCT ON (%2$s) %1$s
        FROM (
            SELECT DISTINCT ON (%3$s) %3$s, job_id, finished, date, cluster_id, organization_id, project_id, label_set_id, inventory_id,
                launch_type
            FROM %%s WHERE cluster_id = $1 AND hosts > 0 AND NOT excluded AND job_template_id <> 0 %%s ORDER BY %3$s, finished, job_id
        ) j
        JOIN rollup.population p ON (p.count_check_mode OR j.job_type <> 'check') AND (NOT p.successful_only OR j.status = 'successful')
            AND NOT (p.slices_once AND j.is_extra_slice)
        ORDER BY %2$s, finished, job_id
        ON CONFLICT (%2$s) DO UPDATE SET %4$s WHERE (excluded.finished, excluded.job_id) < (first_run.finished, first_run.job_id) $query$,
        rollup.columns('rollup.first_run'), 'job_template_id, count_check_mode, successful_only, slices_once',
        'job_template_id, job_type, status, is_extra_slice', rollup.columns('rollup.first_run', '%1$I = excluded.%1$I'));
    gone rollup.first_run[];
    booked rollup.counted_first_run[] := ARRAY(SELECT r FROM rollup.counted_first_run r WHERE r.cluster_id = of_cluster);
BEGIN
    WITH gone AS (
        DELETE FROM rollup.first_run r USING marts_day d WHERE r.cluster_id = of_cluster AND r.date = d.date RETURNING r
    )
    SELECT array_agg(r) INTO gone FROM gone;
    EXECUTE format(write, 'marts_job', '') USING of_cluster;
    EXECUTE format(write, 'rollup.job j CROSS JOIN LATERAL (SELECT COALESCE((SELECT s.label_set_id FROM marts.dim_label_set s'
        ' WHERE s.cluster_id = $1 AND s.label_key = j.label_key), 0) AS label_set_id) l', 'AND job_template_id IN (SELECT unnest($2))')
    USING of_cluster, ARRAY(SELECT g.job_template_id FROM unnest(gone) g WHERE NOT EXISTS (
        SELECT FROM rollup.first_run n WHERE (n.job_template_id, n.count_check_mode, n.successful_only, n.slices_once)
            = (g.job_template_id, g.count_check_mode, g.successful_only, g.slices_once) AND n.finished <= g.finished));
    INSERT INTO pipeline.changed_rate (cluster_id, valid_from, valid_to)
    SELECT DISTINCT of_cluster, d.date, d.date + 1
    FROM unnest(booked) o
    FULL JOIN (SELECT job_template_id, job_id, date FROM rollup.counted_first_run WHERE cluster_id = of_cluster) n USING (job_template_id)
    CROSS JOIN LATERAL (VALUES (o.date), (n.date)) AS d (date)
    WHERE o.job_id IS DISTINCT FROM n.job_id AND d.date NOT IN (SELECT m.date FROM marts_day m);
END $$;

-- Leaves a template out of the savings from a day on, or takes it in again, and notes its days. Its triggers may have been off before.
CREATE FUNCTION rollup.exclude_template(template INTEGER, leave_out BOOLEAN, starting DATE) RETURNS VOID LANGUAGE sql AS $$
    UPDATE public.clusters_jobtemplate SET time_taken_manually_execute_minutes = time_taken_manually_execute_minutes WHERE id = template;
    SELECT rollup.split_minutes(template, starting);
    UPDATE marts.template_minutes SET excluded = leave_out WHERE job_template_id = template AND valid_from >= starting;
    INSERT INTO pipeline.changed_day (cluster_id, day)
    SELECT DISTINCT j.cluster_id, j.date FROM rollup.job j WHERE j.job_template_id = template AND j.date >= starting
$$;

-- What a FROM clause reads of rows of facts `q` with their money `m`, by the formula $1.
CREATE FUNCTION rollup.with_money(facts TEXT) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT facts || $from$ q
        LEFT JOIN rollup.counted_first_run x USING (date, $from$ || rollup.columns('rollup.left_out_daily', '%1$I', TRUE) || $from$)
        LEFT JOIN rollup.price p ON p.cluster_id = q.cluster_id AND p.organization_id = q.organization_id AND q.date >= p.valid_from
            AND q.date < p.valid_to
        LEFT JOIN rollup.minutes t ON t.job_template_id = q.job_template_id AND q.date >= t.valid_from AND q.date < t.valid_to
        LEFT JOIN rollup.counted_month s ON s.month = date_trunc('month', q.date::timestamp)::date
        CROSS JOIN LATERAL rollup.money($1, p, t, s, q.status, q.hosts, q.runs, (x.job_id IS NOT NULL)::int, q.elapsed_seconds) m $from$
$$;

-- Writes the days of the work tables anew, and the months they lie in. Returns the runs.
CREATE FUNCTION rollup.write_days(of_cluster INTEGER) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    f marts.formula := (SELECT g FROM marts.formula g);
    runs BIGINT := (SELECT count(*) FROM marts_job);
    touched DATE[] := ARRAY(SELECT DISTINCT date_trunc('month', date::timestamp)::date FROM marts_day);
    fact TEXT;
    keys CONSTANT TEXT := 'date, ' || rollup.columns('rollup.left_out_daily', '%1$I', TRUE);
    -- Jobs without hosts are no runs; charts count them.
    measures CONSTANT TEXT := 'count(*) FILTER (WHERE is_run) AS runs, count(*) FILTER (WHERE is_extra_slice) AS extra_slices, '
        'sum(hosts) AS hosts, COALESCE(sum(elapsed_seconds) FILTER (WHERE hosts > 0), 0) AS elapsed_seconds';
BEGIN
    PERFORM rollup.write_first_runs(of_cluster);
    FOREACH fact IN ARRAY ARRAY['marts.savings_daily', 'rollup.left_out_daily', 'marts.launches', 'rollup.host_set_daily',
        'rollup.host_runs_daily'] LOOP
        EXECUTE format('DELETE FROM %s f USING marts_day d WHERE f.date = d.date AND f.cluster_id = $1', fact) USING of_cluster;
    END LOOP;
    IF NOT f.count_check_mode THEN
        EXECUTE format('INSERT INTO rollup.left_out_daily (%1$s, runs, extra_slices, hosts, elapsed_seconds)'
            ' SELECT %1$s, %2$s FROM marts_job WHERE job_type = ''check'' AND hosts > 0 GROUP BY %1$s', keys, measures);
        DELETE FROM marts_job WHERE job_type = 'check';
    END IF;
    EXECUTE format('INSERT INTO marts.launches (%1$s, user_id, runs, extra_slices, hosts, elapsed_seconds)'
        ' SELECT %1$s, user_id, %2$s FROM marts_job WHERE hosts > 0 GROUP BY %1$s, user_id ORDER BY date', keys, measures);
    EXECUTE format('CREATE TEMPORARY TABLE marts_fact ON COMMIT DROP AS SELECT %1$s, %2$s, %3$s,'
        ' count(*) FILTER (WHERE hosts = 0) AS runs_without_hosts, count(*) FILTER (WHERE provisional) AS provisional_runs,'
        ' count(*) FILTER (WHERE is_run AND job_template_id = 0) AS runs_without_template FROM marts_job GROUP BY %1$s', keys, measures,
        regexp_replace('changed_hosts, dark_hosts, failures_hosts, ok_hosts, processed_hosts, skipped_hosts, failed_hosts, ignored_hosts, '
            'rescued_hosts', '\w+', 'COALESCE(sum(\&_count), 0) AS \&', 'g'));
    ANALYZE marts_fact;
    EXECUTE format('INSERT INTO marts.savings_daily (%s, %s) SELECT %s, %s FROM %s ORDER BY q.date', rollup.columns('marts_fact'),
        rollup.columns('rollup.money'), rollup.columns('marts_fact', 'q.%1$I'), rollup.columns('rollup.money', 'm.%1$I'),
        rollup.with_money('marts_fact')) USING f;

    CREATE TEMPORARY TABLE marts_host ON COMMIT DROP AS
        SELECT j.date, j.cluster_id, j.organization_id, j.job_template_id, j.project_id, j.label_set_id, j.inventory_id, j.launch_type,
            h.ordinal, h.host_id, count(*)::int AS runs
        FROM (SELECT DISTINCT x.job_id, x.host_id FROM marts_job JOIN archive.all_host_summaries x USING (job_id) WHERE hosts > 0) s
        JOIN marts_job j USING (job_id) JOIN rollup.host h USING (host_id)
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
    -- By all dimensions, and by organization alone.
    INSERT INTO rollup.host_set_daily (date, cluster_id, organization_id, job_template_id, project_id, label_set_id, inventory_id,
        launch_type, chunk, hosts)
    SELECT h.date, h.cluster_id, h.organization_id, h.job_template_id, h.project_id, h.label_set_id, h.inventory_id, h.launch_type,
        h.ordinal / 1024, bit_or(set_bit(B'0'::bit(1024), h.ordinal % 1024, 1))
    FROM marts_host h
    GROUP BY GROUPING SETS ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 9))
    ORDER BY 1;
    INSERT INTO rollup.host_runs_daily (date, cluster_id, organization_id, host_ids, runs)
    SELECT r.date, r.cluster_id, r.organization_id, array_agg(r.host_id ORDER BY r.host_id), array_agg(r.runs ORDER BY r.host_id)
    FROM (SELECT h.date, h.cluster_id, h.organization_id, h.host_id, sum(h.runs)::int AS runs FROM marts_host h GROUP BY 1, 2, 3, 4) r
    GROUP BY r.date, r.cluster_id, r.organization_id;

    PERFORM rollup.write_months('marts.savings_daily', 'marts.savings_monthly', 'sum(%I)', of_cluster, touched),
        rollup.write_months('marts.launches', 'rollup.launches_monthly', 'sum(%I)', of_cluster, touched),
        rollup.write_months('rollup.host_set_daily', 'rollup.host_set_monthly', 'bit_or(%I)', of_cluster, touched);
    DELETE FROM rollup.host_runs_monthly r WHERE r.month = ANY (touched) AND r.cluster_id = of_cluster;
    INSERT INTO rollup.host_runs_monthly (month, cluster_id, organization_id, host_id, runs, first_date, last_date)
    SELECT t.month, r.cluster_id, r.organization_id, h.host_id, sum(h.runs), min(r.date), max(r.date)
    FROM unnest(touched) AS t (month)
    JOIN rollup.host_runs_daily r ON r.date >= t.month AND r.date < t.month + interval '1 month' AND r.cluster_id = of_cluster
    CROSS JOIN LATERAL unnest(r.host_ids, r.runs) AS h (host_id, runs)
    GROUP BY t.month, r.cluster_id, r.organization_id, h.host_id;
    -- A month's share of a subscription depends on all of its run time, of every cluster.
    INSERT INTO pipeline.changed_rate (cluster_id, valid_from, valid_to)
    SELECT DISTINCT m.cluster_id, m.month, (m.month + interval '1 month')::date FROM marts.savings_monthly m
    WHERE f.subscription AND m.month = ANY (touched);
    RETURN runs;
END $$;

-- Writes the months anew from their days, each measure as its `total`.
CREATE FUNCTION rollup.write_months(daily REGCLASS, monthly REGCLASS, total TEXT, of_cluster INTEGER, months DATE[]) RETURNS VOID
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %s WHERE month = ANY ($1) AND cluster_id = $2', monthly) USING months, of_cluster;
    EXECUTE format('INSERT INTO %1$s (month, %3$s, %4$s) SELECT month, %3$s, %5$s FROM unnest($1) AS t (month) JOIN %2$s ON date >= month'
        ' AND date < month + interval ''1 month'' AND cluster_id = $2 GROUP BY month, %3$s ORDER BY month', monthly, daily,
        rollup.columns(daily, '%I', TRUE), rollup.columns(daily, '%I', FALSE), rollup.columns(daily, total, FALSE)) USING months, of_cluster;
END $$;

-- Computes the money of a cluster's stored days anew and writes what differs, month by month, so that the rows of a range stay side by
-- side in the table. Returns the rows written.
CREATE FUNCTION rollup.reprice(of_cluster INTEGER, from_date DATE, before_date DATE) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    f marts.formula := (SELECT g FROM marts.formula g);
    written BIGINT := 0;
    repriced BIGINT;
    present DATE;
    -- OFFSET 0: computed once, not for the comparison again.
    reprice_days CONSTANT TEXT := format('UPDATE marts.savings_daily t SET (%1$s) = ROW (%3$s)'
        ' FROM (SELECT q.ctid AS place, %4$s FROM %5$s WHERE q.cluster_id = $2 AND q.date >= $3 AND q.date < $4 OFFSET 0) n'
        ' WHERE t.ctid = n.place AND ROW (%2$s) <> ROW (%3$s)', rollup.columns('rollup.money'), rollup.columns('rollup.money', 't.%1$I'),
        rollup.columns('rollup.money', 'n.%1$I'), rollup.columns('rollup.money', 'm.%1$I'), rollup.with_money('marts.savings_daily'));
BEGIN
    FOR present IN
        SELECT DISTINCT m.month FROM marts.savings_monthly m
        WHERE m.cluster_id = of_cluster AND m.month >= date_trunc('month', from_date::timestamp) AND m.month < before_date ORDER BY 1
    LOOP
        EXECUTE reprice_days USING f, of_cluster, greatest(from_date, present), least(before_date, (present + interval '1 month')::date);
        GET DIAGNOSTICS repriced = ROW_COUNT;
        PERFORM rollup.write_months('marts.savings_daily', 'marts.savings_monthly', 'sum(%I)', of_cluster, ARRAY[present]) WHERE repriced > 0;
        written := written + repriced;
    END LOOP;
    RETURN written;
END $$;

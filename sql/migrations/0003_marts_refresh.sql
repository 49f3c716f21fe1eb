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
        m.job_template_id IS NOT NULL AS excluded
    FROM archive.all_jobs j CROSS JOIN marts.formula f
    LEFT JOIN marts.template_minutes m ON m.job_template_id = j.job_template_id AND m.excluded
        AND m.valid_from <= (j.finished AT TIME ZONE f.reporting_timezone)::date
        AND m.valid_to > (j.finished AT TIME ZONE f.reporting_timezone)::date
    WHERE j.status IN ('successful', 'failed') AND j.finished IS NOT NULL;

-- What the dimensions are to hold. A name that several rows share is followed by its cluster, and within one cluster by the id at
-- the controller. Columns in the order of the dimension's.
CREATE FUNCTION rollup.display(name TEXT, same BIGINT, same_here BIGINT, cluster TEXT, external_id INTEGER) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN same = 1 THEN name WHEN same_here = 1 THEN format('%s (%s)', name, cluster)
        ELSE format('%s (%s #%s)', name, cluster, external_id) END
$$;
CREATE VIEW rollup.dim_cluster AS
    SELECT c.id AS cluster_id, c.name, c.name AS cluster, c.address, COALESCE(c.product_version, c.aap_version)::varchar(50) AS aap_version,
        c.enabled, rollup.web_address(c, '', '') AS url
    FROM public.clusters_cluster c;
DO $do$
DECLARE
    d RECORD;
BEGIN
    FOR d IN
        SELECT * FROM (VALUES ('organization', 'organization', 'x.name', ''), ('project', 'project', 'x.name', ''),
            ('inventory', 'inventory', 'x.name', ''), ('label', 'label', 'x.name', ''), ('user', 'aapuser', 'x.name', ', x.type'),
            ('job_template', 'jobtemplate', 'COALESCE(x.full_name, x.name)', $$, COALESCE(x.organization_id, 0) AS organization_id,
                x.removed_at IS NOT NULL AS removed, rollup.web_address(c, '/#/templates/job_template/',
                    '/execution/templates/job-template/') || x.external_id || '/details' AS url$$)
        ) AS v (dimension, source, shown, more)
    LOOP
        EXECUTE format('CREATE VIEW rollup.dim_%1$s AS
            SELECT x.id AS %1$s_id, x.cluster_id, x.name::varchar(512) AS name,
                rollup.display(%3$s, count(*) OVER (PARTITION BY x.name), count(*) OVER (PARTITION BY x.name, x.cluster_id),
                    c.name, COALESCE(x.external_id, x.id)) AS %1$I %4$s
            FROM public.clusters_%2$s x JOIN public.clusters_cluster c ON c.id = x.cluster_id',
            d.dimension, d.source, d.shown, d.more);
    END LOOP;
END $do$;
CREATE VIEW rollup.dim_label_set AS
    SELECT s.label_set_id, s.cluster_id, s.label_key, string_agg(l.name, ', ' ORDER BY l.name, l.label_id) AS labels
    FROM marts.dim_label_set s JOIN marts.bridge_label_set b USING (label_set_id) JOIN marts.dim_label l USING (label_id)
    GROUP BY s.label_set_id;

-- Writes what differs between the dimensions and their views, then new hosts with their ordinals, which never change.
CREATE FUNCTION rollup.sync_dimensions(of_cluster INTEGER) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    dimension TEXT;
    changes TEXT;
    written BIGINT;
    total BIGINT := 0;
BEGIN
    FOREACH dimension IN ARRAY ARRAY['cluster', 'organization', 'job_template', 'project', 'inventory', 'user', 'label', 'label_set'] LOOP
        SELECT string_agg(format('%1$I = excluded.%1$I', a.attname), ', ') INTO changes FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = ('marts.dim_' || dimension)::regclass AND a.attnum > 1;
        EXECUTE format('INSERT INTO marts.dim_%1$s SELECT * FROM rollup.dim_%1$s WHERE cluster_id = $1'
            ' EXCEPT SELECT * FROM marts.dim_%1$s ON CONFLICT (%1$s_id) DO UPDATE SET %2$s', dimension, changes) USING of_cluster;
        GET DIAGNOSTICS written = ROW_COUNT;
        total := total + written;
    END LOOP;
    INSERT INTO rollup.host (host_id, cluster_id, ordinal, name)
    SELECT c.id, c.cluster_id,
        COALESCE(d.ordinal, (SELECT COALESCE(max(ordinal) + 1, 0) FROM rollup.host WHERE cluster_id = of_cluster)
            + row_number() OVER (PARTITION BY d.host_id IS NULL ORDER BY c.id)::int - 1),
        c.name
    FROM public.clusters_host c LEFT JOIN rollup.host d ON d.host_id = c.id
    WHERE c.cluster_id = of_cluster AND (d.host_id IS NULL OR d.name <> c.name)
    ON CONFLICT (host_id) DO UPDATE SET name = excluded.name;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN total + written;
END $$;

-- Reads the jobs that finished on the days (NULL: on all days that core or the marts know of) into work tables. Returns the days.
-- Dimensions follow after the jobs: a batch that core commits in between may bring jobs, but never one without its dimensions.
CREATE FUNCTION rollup.load_jobs(of_cluster INTEGER, days DATE[]) RETURNS SETOF DATE LANGUAGE plpgsql AS $$
DECLARE
    zone TEXT := (SELECT reporting_timezone FROM marts.formula);
BEGIN
    DROP TABLE IF EXISTS pg_temp.marts_day, pg_temp.marts_job, pg_temp.marts_quantity, pg_temp.marts_host;
    CREATE TEMPORARY TABLE marts_day (date DATE PRIMARY KEY, starts TIMESTAMPTZ NOT NULL, ends TIMESTAMPTZ NOT NULL) ON COMMIT DROP;
    INSERT INTO marts_day
    SELECT d, marts.day_start(d, zone), marts.day_start(d + 1, zone)
    FROM (
        SELECT unnest(days) AS d
        UNION SELECT (j.finished AT TIME ZONE zone)::date FROM archive.all_jobs j
        WHERE days IS NULL AND j.cluster_id = of_cluster AND j.finished IS NOT NULL
        UNION SELECT date FROM marts.savings_daily WHERE days IS NULL AND cluster_id = of_cluster
        UNION SELECT date FROM rollup.left_out_daily WHERE days IS NULL AND cluster_id = of_cluster
    ) known;
    PERFORM marts.fill_dates(first, last)
    FROM (
        SELECT date_trunc('month', least(min(w.date), (SELECT min(date) FROM marts.dim_date))::timestamp)::date AS first,
            (date_trunc('month', greatest(max(w.date), (SELECT max(date) FROM marts.dim_date))::timestamp)
                + interval '1 month - 1 day')::date AS last
        FROM marts_day w HAVING max(w.date) IS NOT NULL
    ) wanted
    -- Counts the days: two clusters that are refreshed at once may have left a gap between theirs.
    WHERE (SELECT count(*) FROM marts.dim_date WHERE date BETWEEN first AND last) <= last - first;
    ANALYZE marts_day;
    CREATE TEMPORARY TABLE marts_job ON COMMIT DROP AS
        SELECT j.*, 0 AS label_set_id FROM marts_day d
        JOIN rollup.job j ON j.finished >= d.starts AND j.finished < d.ends AND j.date = d.date AND NOT j.excluded
        WHERE j.cluster_id = of_cluster;
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
    IF FOUND THEN
        UPDATE marts.dim_label_set s SET labels = l.labels FROM rollup.dim_label_set l
        WHERE l.label_set_id = s.label_set_id AND l.cluster_id = of_cluster AND s.labels <> l.labels;
    END IF;
    UPDATE marts_job j SET label_set_id = s.label_set_id FROM marts.dim_label_set s
    WHERE s.cluster_id = of_cluster AND j.label_key <> '' AND s.label_key = j.label_key;
    ANALYZE marts_job;
    RETURN QUERY SELECT date FROM marts_day ORDER BY date;
END $$;

-- Writes the days of the work tables anew, and the months they lie in. Returns rows written by table.
CREATE FUNCTION rollup.write_days(of_cluster INTEGER) RETURNS TABLE (relation TEXT, written BIGINT) LANGUAGE plpgsql AS $$
DECLARE
    f marts.formula := (SELECT g FROM marts.formula g);
    touched DATE[] := ARRAY(SELECT DISTINCT date_trunc('month', date::timestamp)::date FROM marts_day);
    added rollup.first_run[];
    gone rollup.first_run[];
    moved DATE[];
    day DATE;
BEGIN
    RETURN QUERY SELECT 'runs', count(*) FROM marts_job;
    DELETE FROM marts.savings_daily s USING marts_day d WHERE s.date = d.date AND s.cluster_id = of_cluster;
    DELETE FROM rollup.left_out_daily s USING marts_day d WHERE s.date = d.date AND s.cluster_id = of_cluster;
    DELETE FROM marts.launches l USING marts_day d WHERE l.date = d.date AND l.cluster_id = of_cluster;
    DELETE FROM rollup.host_set_daily h USING marts_day d WHERE h.date = d.date AND h.cluster_id = of_cluster;

    -- Jobs without hosts are no runs; charts count them.
    CREATE TEMPORARY TABLE marts_quantity (LIKE rollup.left_out_daily) ON COMMIT DROP;
    INSERT INTO marts_quantity
    SELECT j.date, j.cluster_id, j.organization_id, j.job_template_id, j.project_id, j.label_set_id, j.inventory_id,
        count(*) FILTER (WHERE j.is_run), count(*) FILTER (WHERE j.hosts = 0), count(*) FILTER (WHERE j.provisional),
        count(*) FILTER (WHERE j.is_run AND j.job_template_id = 0), count(*) FILTER (WHERE j.is_extra_slice), sum(j.hosts),
        COALESCE(sum(h.changed_hosts_count), 0), COALESCE(sum(h.dark_hosts_count), 0), COALESCE(sum(h.failures_hosts_count), 0),
        COALESCE(sum(h.ok_hosts_count), 0), COALESCE(sum(h.processed_hosts_count), 0), COALESCE(sum(h.skipped_hosts_count), 0),
        COALESCE(sum(h.failed_hosts_count), 0), COALESCE(sum(h.ignored_hosts_count), 0), COALESCE(sum(h.rescued_hosts_count), 0),
        j.status, j.job_type, j.launch_type, COALESCE(sum(h.elapsed_seconds), 0)
    FROM marts_job j LEFT JOIN LATERAL (SELECT j.* WHERE j.hosts > 0) h ON TRUE
    GROUP BY j.date, j.cluster_id, j.organization_id, j.job_template_id, j.project_id, j.label_set_id, j.inventory_id, j.job_type,
        j.status, j.launch_type;
    ANALYZE marts_quantity;

    -- First runs on the days, or after a run on them, are looked for again: among the jobs of the days and, where a day has lost its
    -- first run, in core.
    SELECT array_agg(ROW(n.job_template_id, n.job_type, n.status, n.is_extra_slice, n.job_id, n.finished, n.date, of_cluster, n.organization_id,
        n.project_id, n.label_set_id, n.inventory_id, n.launch_type)::rollup.first_run) INTO added
    FROM (
        SELECT DISTINCT ON (j.job_template_id, j.job_type, j.status, j.is_extra_slice) j.* FROM marts_job j
        WHERE j.hosts > 0 AND j.job_template_id <> 0
        ORDER BY j.job_template_id, j.job_type, j.status, j.is_extra_slice, j.finished, j.job_id
    ) n;
    WITH gone AS (
        DELETE FROM rollup.first_run r
        WHERE r.cluster_id = of_cluster AND (r.date IN (SELECT d.date FROM marts_day d) OR EXISTS (
            SELECT FROM unnest(added) n WHERE (n.job_template_id, n.job_type, n.status, n.extra_slice)
                = (r.job_template_id, r.job_type, r.status, r.extra_slice) AND (n.finished, n.job_id) < (r.finished, r.job_id)))
        RETURNING r.*
    )
    SELECT array_agg(g) INTO gone FROM gone g;
    WITH found AS (
        INSERT INTO rollup.first_run
        SELECT DISTINCT ON (x.job_template_id, x.job_type, x.status, x.extra_slice) x.*
        FROM (
            SELECT * FROM unnest(added)
            UNION ALL
            SELECT g.job_template_id, g.job_type, g.status, g.extra_slice, j.job_id, j.finished, j.date, of_cluster, j.organization_id,
                j.project_id, COALESCE(s.label_set_id, 0), j.inventory_id, j.launch_type
            FROM unnest(gone) g
            JOIN rollup.job j ON j.cluster_id = of_cluster AND j.job_template_id = g.job_template_id AND j.hosts > 0 AND NOT j.excluded
                AND (j.job_type, j.status, j.is_extra_slice) = (g.job_type, g.status, g.extra_slice)
            LEFT JOIN marts.dim_label_set s ON s.cluster_id = of_cluster AND s.label_key = j.label_key
            WHERE NOT EXISTS (
                SELECT FROM unnest(added) n WHERE (n.job_template_id, n.job_type, n.status, n.extra_slice)
                    = (g.job_template_id, g.job_type, g.status, g.extra_slice) AND n.finished <= g.finished)
        ) x
        ORDER BY x.job_template_id, x.job_type, x.status, x.extra_slice, x.finished, x.job_id
        ON CONFLICT DO NOTHING
        RETURNING date, job_template_id
    ), changed AS (
        SELECT date, job_template_id FROM unnest(gone) UNION ALL SELECT date, job_template_id FROM found
    )
    -- The creation may move to a run of another type or status, which was the first of its kind before.
    SELECT array_agg(DISTINCT x.date) INTO moved
    FROM (SELECT date FROM changed UNION ALL SELECT r.date FROM rollup.first_run r WHERE r.job_template_id IN (SELECT job_template_id FROM changed)) x
    WHERE f.creation_once AND x.date NOT IN (SELECT d.date FROM marts_day d);

    INSERT INTO rollup.left_out_daily SELECT q.* FROM marts_quantity q WHERE q.job_type = 'check' AND NOT f.count_check_mode;
    DELETE FROM marts_quantity q WHERE q.job_type = 'check' AND NOT f.count_check_mode;
    DELETE FROM marts_job j WHERE j.hosts = 0 OR j.job_type = 'check' AND NOT f.count_check_mode;
    INSERT INTO marts.savings_daily
    SELECT q.*, m.*
    FROM marts_quantity q
    LEFT JOIN rollup.counted_first_run x USING (
        date, cluster_id, organization_id, job_template_id, project_id, label_set_id, inventory_id, job_type, status, launch_type)
    LEFT JOIN rollup.price p ON p.cluster_id = q.cluster_id AND p.organization_id = q.organization_id AND q.date >= p.valid_from
        AND q.date < p.valid_to
    LEFT JOIN rollup.minutes t ON t.job_template_id = q.job_template_id AND q.date >= t.valid_from AND q.date < t.valid_to
    LEFT JOIN rollup.counted_month s ON s.month = date_trunc('month', q.date::timestamp)::date
    CROSS JOIN LATERAL rollup.money(f, p, t, s, q.status, q.hosts, q.runs, (x.job_id IS NOT NULL)::int, q.elapsed_seconds) m
    ORDER BY q.date;
    RETURN QUERY SELECT 'savings_daily', count(*) FROM marts_quantity;

    INSERT INTO marts.launches
    SELECT j.date, j.cluster_id, j.organization_id, j.job_template_id, j.project_id, j.label_set_id, j.inventory_id, j.job_type, j.status,
        j.launch_type, j.user_id, count(*) FILTER (WHERE j.is_run), sum(j.hosts), sum(j.elapsed_seconds)
    FROM marts_job j
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ORDER BY 1;
    GET DIAGNOSTICS written = ROW_COUNT;
    relation := 'launches';
    RETURN NEXT;

    CREATE TEMPORARY TABLE marts_host ON COMMIT DROP AS
        SELECT j.date, j.cluster_id, j.organization_id, j.job_template_id, j.project_id, j.label_set_id, j.inventory_id, j.launch_type,
            h.ordinal, h.host_id, count(DISTINCT j.job_id)::int AS runs
        FROM marts_job j JOIN archive.all_host_summaries x ON x.job_id = j.job_id JOIN rollup.host h ON h.host_id = x.host_id
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
    INSERT INTO rollup.host_set_daily
    SELECT h.date, h.cluster_id, h.organization_id, h.job_template_id, h.project_id, h.label_set_id, h.inventory_id, h.launch_type,
        h.ordinal / 1024, bit_or(set_bit(B'0'::bit(1024), h.ordinal % 1024, 1))
    FROM marts_host h
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ORDER BY 1;
    GET DIAGNOSTICS written = ROW_COUNT;
    relation := 'host_set_daily';
    RETURN NEXT;
    INSERT INTO rollup.host_set_daily
    SELECT h.date, h.cluster_id, h.organization_id, NULL, NULL, NULL, NULL, NULL, h.chunk, bit_or(h.hosts)
    FROM rollup.host_set_daily h JOIN marts_day d USING (date)
    WHERE h.cluster_id = of_cluster AND h.job_template_id IS NOT NULL
    GROUP BY h.date, h.cluster_id, h.organization_id, h.chunk ORDER BY h.date;
    PERFORM rollup.write_months('marts.savings_daily', 'marts.savings_monthly', of_cluster, touched),
        rollup.write_months('marts.launches', 'rollup.launches_monthly', of_cluster, touched),
        rollup.write_months('rollup.host_set_daily', 'rollup.host_set_monthly', of_cluster, touched);

    DELETE FROM rollup.host_runs_daily r USING marts_day d WHERE r.date = d.date AND r.cluster_id = of_cluster;
    INSERT INTO rollup.host_runs_daily
    SELECT r.date, r.cluster_id, r.organization_id, array_agg(r.host_id ORDER BY r.host_id), array_agg(r.runs ORDER BY r.host_id)
    FROM (
        SELECT h.date, h.cluster_id, h.organization_id, h.host_id, sum(h.runs)::int AS runs FROM marts_host h GROUP BY 1, 2, 3, 4
    ) r GROUP BY r.date, r.cluster_id, r.organization_id;
    DELETE FROM rollup.host_runs_monthly r WHERE r.month = ANY (touched) AND r.cluster_id = of_cluster;
    INSERT INTO rollup.host_runs_monthly
    SELECT t.month, r.cluster_id, r.organization_id, h.host_id, sum(h.runs), min(r.date), max(r.date)
    FROM unnest(touched) AS t (month)
    JOIN rollup.host_runs_daily r ON r.date >= t.month AND r.date < t.month + interval '1 month' AND r.cluster_id = of_cluster
    CROSS JOIN LATERAL unnest(r.host_ids, r.runs) AS h (host_id, runs)
    GROUP BY t.month, r.cluster_id, r.organization_id, h.host_id;

    -- A month's share of a subscription depends on all of its run time, of every cluster.
    INSERT INTO pipeline.changed_rate (cluster_id, valid_from, valid_to)
    SELECT DISTINCT p.cluster_id, p.month, (p.month + interval '1 month')::date FROM rollup.platform_month p
    WHERE f.subscription AND p.month = ANY (touched);
    FOREACH day IN ARRAY COALESCE(moved, '{}') LOOP
        PERFORM rollup.reprice(of_cluster, day, day + 1);
    END LOOP;
END $$;

-- Sums the days of the months: keys stay, bitmaps are united, all else is added up.
CREATE FUNCTION rollup.write_months(daily REGCLASS, monthly REGCLASS, of_cluster INTEGER, months DATE[]) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    chosen TEXT;
    keys TEXT;
BEGIN
    SELECT string_agg(CASE WHEN c.is_key THEN c.name ELSE format('%s(%s)', CASE c.type WHEN 'bit' THEN 'bit_or' ELSE 'sum' END, c.name) END,
            ', ' ORDER BY c.attnum), string_agg(c.name, ', ') FILTER (WHERE c.is_key)
    INTO chosen, keys
    FROM (
        SELECT a.attnum, format('d.%I', a.attname) AS name, t.typname AS type, a.attname LIKE '%\_id' OR t.typname IN ('varchar', 'int2') AS is_key
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = daily AND a.attnum > 0 AND a.attname <> 'date'
    ) c;
    EXECUTE format('DELETE FROM %s WHERE month = ANY ($1) AND cluster_id = $2', monthly) USING months, of_cluster;
    EXECUTE format('INSERT INTO %s SELECT t.month, %s FROM unnest($1) AS t (month) JOIN %s d ON d.date >= t.month'
        ' AND d.date < t.month + interval ''1 month'' AND d.cluster_id = $2 GROUP BY t.month, %s ORDER BY t.month',
        monthly, chosen, daily, keys) USING months, of_cluster;
END $$;

-- Computes the money of a cluster's stored days anew and writes what differs. Returns the rows written.
CREATE FUNCTION rollup.reprice(of_cluster INTEGER, from_date DATE, before_date DATE) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    f marts.formula := (SELECT g FROM marts.formula g);
    written BIGINT;
    months DATE[];
BEGIN
    WITH changed AS (
        UPDATE marts.savings_daily t
        SET (manual_minutes, creation_minutes, manual_costs, creation_costs, run_costs, automated_costs, savings,
            time_savings_seconds, manual_costs_as_recorded, creation_costs_as_recorded, run_costs_as_recorded,
            automated_costs_as_recorded, savings_as_recorded) = ROW ((n.money).*)
        FROM (
            SELECT q.ctid AS place, m AS money
            FROM marts.savings_daily q
            LEFT JOIN rollup.counted_first_run x USING (
                date, cluster_id, organization_id, job_template_id, project_id, label_set_id, inventory_id, job_type, status,
                launch_type)
            LEFT JOIN rollup.price p ON p.cluster_id = q.cluster_id AND p.organization_id = q.organization_id
                AND q.date >= p.valid_from AND q.date < p.valid_to
            LEFT JOIN rollup.minutes t ON t.job_template_id = q.job_template_id AND q.date >= t.valid_from AND q.date < t.valid_to
            LEFT JOIN rollup.counted_month s ON s.month = date_trunc('month', q.date::timestamp)::date
            CROSS JOIN LATERAL rollup.money(f, p, t, s, q.status, q.hosts, q.runs, (x.job_id IS NOT NULL)::int, q.elapsed_seconds) m
            WHERE q.cluster_id = of_cluster AND q.date >= from_date AND q.date < before_date
            OFFSET 0  -- computed once, not for the comparison again
        ) n
        WHERE t.ctid = n.place AND ROW (t.manual_minutes, t.creation_minutes, t.manual_costs, t.creation_costs, t.run_costs,
                t.automated_costs, t.savings, t.time_savings_seconds, t.manual_costs_as_recorded, t.creation_costs_as_recorded,
                t.run_costs_as_recorded, t.automated_costs_as_recorded, t.savings_as_recorded) IS DISTINCT FROM ROW ((n.money).*)
        RETURNING t.date
    )
    SELECT count(*), array_agg(DISTINCT date_trunc('month', date::timestamp)::date) INTO written, months FROM changed;
    IF written > 0 THEN
        PERFORM rollup.write_months('marts.savings_daily', 'marts.savings_monthly', of_cluster, months);
    END IF;
    RETURN written;
END $$;

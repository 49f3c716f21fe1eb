-- The total savings under each choice of the formula's settings, side by side; the row in force is marked. Without nested
-- loops: how many rows a filter leaves is guessed far too low, and two years of a million jobs took four seconds.
CREATE FUNCTION marts.formula_comparison(
    from_date DATE, to_date DATE,
    clusters INTEGER[] = NULL, organizations INTEGER[] = NULL, job_templates INTEGER[] = NULL,
    projects INTEGER[] = NULL, labels INTEGER[] = NULL
) RETURNS TABLE (
    cost_model TEXT, creation TEXT, savings_population TEXT, count_check_mode BOOLEAN, in_force BOOLEAN, runs BIGINT,
    manual_costs NUMERIC, automated_costs NUMERIC, savings NUMERIC
) LANGUAGE sql STABLE PARALLEL SAFE
SET enable_nestloop = off AS $$
    WITH choice AS (
        SELECT m.*, c.*, p.*, k.*
        FROM (VALUES ('per_minute', FALSE), ('subscription', TRUE)) AS m (cost_model, subscription)
        CROSS JOIN (VALUES ('per_run', TRUE, FALSE), ('once', TRUE, TRUE), ('not counted', FALSE, FALSE))
            AS c (creation, count_creation, creation_once)
        CROSS JOIN (VALUES ('all', FALSE), ('successful_only', TRUE)) AS p (savings_population, successful_only)
        CROSS JOIN (VALUES (TRUE), (FALSE)) AS k (count_check_mode)
    ), span AS (
        SELECT m.m1, m.m2 FROM marts.split(from_date, to_date) m
    ), quantity AS MATERIALIZED (
        SELECT u.month, s.series_id, s.cluster_id, s.organization_id, s.job_template_id, s.job_type = 'check' AS is_check,
            s.status = 'successful' AS is_successful, sum(u.runs) AS runs, sum(u.hosts) AS hosts, sum(u.elapsed_ms) AS elapsed_ms
        FROM (
            SELECT m.month, m.series_id, m.runs, m.hosts, m.elapsed_ms
            FROM span, marts.run_monthly m WHERE m.month >= span.m1 AND m.month < span.m2
            UNION ALL
            SELECT date_trunc('month', d.date::timestamp)::date, d.series_id, d.runs, d.hosts, d.elapsed_ms
            FROM span, marts.run_daily d
            WHERE (d.date >= from_date AND d.date < span.m1) OR (d.date >= span.m2 AND d.date <= to_date)
        ) u
        JOIN marts.series s USING (series_id)
        WHERE (clusters IS NULL OR s.cluster_id = ANY (clusters))
          AND (organizations IS NULL OR s.organization_id = ANY (organizations))
          AND (job_templates IS NULL OR s.job_template_id = ANY (job_templates))
          AND (projects IS NULL OR s.project_id = ANY (projects))
          AND (labels IS NULL OR s.label_set_id IN (SELECT b.label_set_id FROM marts.bridge_label_set b WHERE b.label_id = ANY (labels)))
        GROUP BY u.month, s.series_id
    ), part AS MATERIALIZED (
        -- The months' runs in the parts that a population counts or leaves out; of the money only the prices differ by choice.
        SELECT q.month, q.is_check, q.is_successful, sum(q.runs) AS runs,
            COALESCE(sum(q.elapsed_ms) FILTER (WHERE t.job_template_id IS NOT NULL), 0) AS elapsed_ms,
            COALESCE(sum(q.hosts * t.manual_minutes * r.manual), 0) AS manual,
            COALESCE(sum(q.hosts * t.manual_minutes * r.hourly), 0) / 60.000000000000 AS manual_by_hour,
            COALESCE(sum(q.runs * t.creation_minutes * r.manual), 0) AS creation,
            COALESCE(sum(q.runs * t.creation_minutes * r.hourly), 0) / 60.000000000000 AS creation_by_hour,
            COALESCE(sum(q.elapsed_ms * r.automated) FILTER (WHERE t.job_template_id IS NOT NULL), 0) / 60000 AS run
        FROM quantity q
        JOIN marts.current_rate r ON r.cluster_id = q.cluster_id AND r.organization_id = q.organization_id
        LEFT JOIN marts.template_minutes t ON t.job_template_id = q.job_template_id AND t.valid_to = '9999-12-31'
        GROUP BY q.month, q.is_check, q.is_successful
    ), price AS MATERIALIZED (
        SELECT * FROM marts.population_month
    ), first AS (
        SELECT f.count_check_mode, f.successful_only, sum(t.creation_minutes * r.manual) AS creation,
            sum(t.creation_minutes * r.hourly) / 60.000000000000 AS creation_by_hour
        FROM marts.population_first_run f
        JOIN quantity q ON q.series_id = f.series_id AND q.month = date_trunc('month', f.date::timestamp)::date
        JOIN marts.current_rate r ON r.cluster_id = q.cluster_id AND r.organization_id = q.organization_id
        JOIN marts.template_minutes t ON t.job_template_id = q.job_template_id AND t.valid_to = '9999-12-31'
        WHERE f.date BETWEEN from_date AND to_date
        GROUP BY f.count_check_mode, f.successful_only
    )
    SELECT c.cost_model, c.creation, c.savings_population, c.count_check_mode,
        (c.subscription, c.count_creation, c.count_creation AND c.creation_once, c.successful_only, c.count_check_mode)
            = (g.subscription, g.count_creation, g.count_creation AND g.creation_once, g.successful_only, g.count_check_mode),
        t.runs, m.manual, m.creation + m.run, m.manual - m.creation - m.run
    FROM choice c
    CROSS JOIN marts.formula g
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(x.runs), 0)::bigint AS runs, COALESCE(sum(x.manual), 0) AS manual,
            COALESCE(sum(x.manual_by_hour), 0) AS manual_by_hour, COALESCE(sum(x.creation), 0) AS creation,
            COALESCE(sum(x.creation_by_hour), 0) AS creation_by_hour, COALESCE(sum(x.run), 0) AS run,
            COALESCE(sum(x.elapsed_ms * p.price / p.elapsed_ms), 0) AS charged
        FROM part x
        LEFT JOIN price p ON p.month = x.month AND p.count_check_mode = c.count_check_mode
            AND p.successful_only = c.successful_only
        WHERE (c.count_check_mode OR NOT x.is_check) AND (NOT c.successful_only OR x.is_successful)
    ) t
    LEFT JOIN first f ON f.count_check_mode = c.count_check_mode AND f.successful_only = c.successful_only
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.subscription THEN t.manual_by_hour ELSE t.manual END AS manual,
            CASE WHEN NOT c.count_creation THEN 0
                WHEN c.creation_once THEN COALESCE(CASE WHEN c.subscription THEN f.creation_by_hour ELSE f.creation END, 0)
                WHEN c.subscription THEN t.creation_by_hour
                ELSE t.creation END AS creation,
            CASE WHEN c.subscription THEN t.charged ELSE t.run END AS run
    ) m
    ORDER BY c.cost_model, c.creation DESC, c.savings_population, c.count_check_mode DESC
$$;

-- The day on which a template's cumulated savings, creation paid once at the start, came to be above zero and stayed so.
-- A template that runs for organizations of different rates was created at the highest of them; as recorded, at the rate
-- and minutes of its first run (of today where the reader does not see that).
-- Months are added up; days are read of those months only in which the sum may have been at zero or below at some day's end: a
-- month loses no more than its run costs, and what was before a month that ends at or below zero does not matter.
-- Money is in parts of 60,000 (recorded: of 6,000,000) of a unit until the last step, so that savings that equal the cost are no more
-- than it.
CREATE VIEW marts.payback WITH (security_invoker = true) AS
    WITH monthly AS (
        SELECT p.job_template_id, m.month, sum(m.hosts::bigint * p.manual_minutes * p.person_hour * 1000) AS manual,
            sum(CASE WHEN p.subscription THEN COALESCE(60000 * m.elapsed_ms * u.price / u.elapsed_ms, 0)
                ELSE m.elapsed_ms * p.automated END) AS run,
            sum(m.manual_cents_as_recorded * (6000000 / p.recorded_divisor)) AS recorded_manual,
            sum(CASE WHEN p.recorded_by_subscription THEN COALESCE(6000000 * m.elapsed_ms * u.price_as_recorded / u.elapsed_ms, 0)
                ELSE m.run_cent_ms_as_recorded END) AS recorded_run,
            max(p.creation_minutes * p.person_hour) AS creation_cost_60
        FROM marts.run_monthly m JOIN marts.series_price p USING (series_id)
        LEFT JOIN marts.subscription_month u ON u.month = m.month
        WHERE p.counts AND m.runs > 0
        GROUP BY p.job_template_id, m.month
    ), template AS (
        SELECT m.job_template_id, min(m.month) AS first_month, max(m.creation_cost_60) AS creation_cost_60,
            COALESCE(first.creation_cost_60_as_recorded, max(m.creation_cost_60)) AS creation_cost_60_as_recorded
        FROM monthly m LEFT JOIN marts.counted_first_run first USING (job_template_id)
        GROUP BY m.job_template_id, first.creation_cost_60_as_recorded
    ), running AS (
        SELECT m.job_template_id, m.month, v.recorded, v.run, sum(v.manual - v.run) OVER so_far - v.creation AS after,
            sum(v.manual - v.run) OVER so_far - (v.manual - v.run) - v.creation AS before
        FROM monthly m JOIN template t USING (job_template_id)
        CROSS JOIN LATERAL (VALUES (FALSE, m.manual, m.run, t.creation_cost_60 * 1000),
            (TRUE, m.recorded_manual, m.recorded_run, t.creation_cost_60_as_recorded * 100000)) AS v (recorded, manual, run, creation)
        WINDOW so_far AS (PARTITION BY m.job_template_id, v.recorded ORDER BY m.month)
    ), outcome AS (
        SELECT r.job_template_id, r.recorded, (array_agg(r.after ORDER BY r.month DESC))[1] AS cumulated,
            max(r.month) FILTER (WHERE r.after <= 0) AS last_below
        FROM running r GROUP BY r.job_template_id, r.recorded
    ), candidate AS (
        SELECT r.job_template_id, r.recorded, r.month, r.before
        FROM running r JOIN outcome o USING (job_template_id, recorded)
        WHERE o.cumulated > 0 AND r.before - r.run <= 0 AND (r.month > o.last_below OR o.last_below IS NULL)
    ), daily AS MATERIALIZED (
        SELECT w.job_template_id, w.month, d.date,
            sum(d.hosts::bigint * p.manual_minutes * p.person_hour * 1000 - CASE WHEN p.subscription
                THEN COALESCE(60000 * d.elapsed_ms * u.price / u.elapsed_ms, 0) ELSE d.elapsed_ms * p.automated END) AS gain,
            sum(d.manual_cents_as_recorded * (6000000 / p.recorded_divisor) - CASE WHEN p.recorded_by_subscription
                THEN COALESCE(6000000 * d.elapsed_ms * u.price_as_recorded / u.elapsed_ms, 0)
                ELSE d.run_cent_ms_as_recorded END) AS recorded_gain
        FROM (SELECT c.job_template_id, c.month FROM candidate c UNION SELECT t.job_template_id, t.first_month FROM template t) w
        JOIN marts.series_price p ON p.job_template_id = w.job_template_id
        CROSS JOIN LATERAL (  -- asked for each, so that no other days are read
            SELECT r.* FROM marts.recorded_daily r
            WHERE r.series_id = p.series_id AND r.date >= w.month AND r.date < w.month + interval '1 month' OFFSET 0
        ) d
        LEFT JOIN marts.subscription_month u ON u.month = w.month
        WHERE p.counts AND d.runs > 0
        GROUP BY w.job_template_id, w.month, d.date
    ), passing AS (
        SELECT c.job_template_id, c.recorded, d.date, c.before + sum(CASE WHEN c.recorded THEN d.recorded_gain ELSE d.gain END)
            OVER (PARTITION BY c.job_template_id, c.recorded, c.month ORDER BY d.date) AS cumulated
        FROM candidate c JOIN daily d USING (job_template_id, month)
    ), passed AS (
        SELECT x.job_template_id, x.recorded, min(x.date) FILTER (WHERE x.date > x.last_below OR x.last_below IS NULL) AS since
        FROM (
            SELECT p.*, max(p.date) FILTER (WHERE p.cumulated <= 0) OVER (PARTITION BY p.job_template_id, p.recorded) AS last_below
            FROM passing p
        ) x
        GROUP BY x.job_template_id, x.recorded
    )
    SELECT t.job_template_id, j.name AS job_template,
        f.date AS first_run_date, t.creation_cost_60 / 60 AS creation_costs, p.since AS payback_date, o.cumulated / 60000 AS cumulated_savings,
        t.creation_cost_60_as_recorded / 60 AS creation_costs_as_recorded, rp.since AS payback_date_as_recorded,
        ro.cumulated / 6000000 AS cumulated_savings_as_recorded
    FROM template t
    JOIN (SELECT d.job_template_id, min(d.date) AS date FROM daily d GROUP BY d.job_template_id) f USING (job_template_id)
    JOIN marts.dim_job_template j USING (job_template_id)
    JOIN outcome o ON o.job_template_id = t.job_template_id AND NOT o.recorded
    JOIN outcome ro ON ro.job_template_id = t.job_template_id AND ro.recorded
    LEFT JOIN passed p ON p.job_template_id = t.job_template_id AND NOT p.recorded
    LEFT JOIN passed rp ON rp.job_template_id = t.job_template_id AND rp.recorded;

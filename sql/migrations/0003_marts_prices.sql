-- What prices the quantities: rates and minutes in force, those of each day, the first runs on which a template's creation is
-- booked once, and each month's share of a subscription. Money as recorded of a cluster goes by the cost model of its last
-- refresh (dim_cluster.recorded_by_subscription), for the sums that hold it were made by that.

-- The rates in force today for each organization of each cluster. A person's is by the hour in either cost model, so that minutes
-- times it are exact. Twelve decimals carry through products, so that a sum has them, too, when it is divided by 60.
CREATE VIEW marts.current_rate WITH (security_invoker = true) AS
    SELECT r.cluster_id, r.organization_id, r.manual, r.automated, r.hourly,
        CASE WHEN (SELECT f.subscription FROM marts.formula f) THEN r.hourly ELSE r.manual * 60 END::numeric(30,12) AS person_hour
    FROM marts.rate_period r
    WHERE r.valid_from <= (SELECT marts.today()) AND r.valid_to > (SELECT marts.today());

-- The settings and rates that price a series today.
CREATE VIEW marts.series_price WITH (security_invoker = true) AS
    SELECT s.*, t.manual_minutes, t.creation_minutes, t.source AS minutes_source, r.person_hour, r.automated,
        t.job_template_id IS NOT NULL AND (s.job_type <> 'check' OR f.count_check_mode)
            AND (s.status = 'successful' OR NOT f.successful_only) AS counts,
        f.count_creation, f.creation_once, f.subscription, c.recorded_by_subscription, c.recorded_divisor
    FROM marts.series s
    CROSS JOIN marts.formula f
    LEFT JOIN marts.dim_cluster c ON c.cluster_id = s.cluster_id  -- outer joins are left out where nothing is asked of them
    JOIN marts.current_rate r ON r.cluster_id = s.cluster_id AND r.organization_id = s.organization_id
    LEFT JOIN marts.template_minutes t ON t.job_template_id = s.job_template_id AND t.valid_to = '9999-12-31';

-- What the runs of a day cost by the rates and minutes of that day: in whole cents (by an hourly rate, sixtieths of them), and
-- for run time in whole cents a minute times milliseconds. Days need not keep it, their sums by month and to date do. What
-- run time costs in a subscription follows from the month, and is in no sum.
CREATE VIEW marts.recorded_daily WITH (security_invoker = true) AS
    SELECT d.*,
        COALESCE(d.hosts::bigint * t.manual_minutes
            * CASE WHEN c.recorded_by_subscription THEN r.hourly_cents ELSE r.manual_cents END, 0) AS manual_cents_as_recorded,
        COALESCE(d.runs::bigint * t.creation_minutes
            * CASE WHEN c.recorded_by_subscription THEN r.hourly_cents ELSE r.manual_cents END, 0) AS creation_cents_as_recorded,
        CASE WHEN t.job_template_id IS NULL THEN 0 ELSE COALESCE(d.elapsed_ms * r.automated_cents, 0) END
            AS run_cent_ms_as_recorded
    FROM marts.run_daily d
    JOIN marts.series s ON s.series_id = d.series_id
    LEFT JOIN marts.dim_cluster c ON c.cluster_id = s.cluster_id  -- outer joins are left out where nothing is asked of them
    LEFT JOIN marts.rate_period r ON r.cluster_id = s.cluster_id AND r.organization_id = s.organization_id
        AND r.valid_from <= d.date AND r.valid_to > d.date
    LEFT JOIN marts.template_minutes t ON t.job_template_id = s.job_template_id AND t.valid_from <= d.date AND t.valid_to > d.date;

-- The runs on which the creation cost is booked once, under each choice of the population: the first of each template, for
-- whichever organization it ran. Found with the owner's rights, for a reader who sees one organization would take the
-- first of its own for it; shown to those who see the run.
CREATE VIEW marts.population_first_run WITH (security_barrier = true) AS
    SELECT x.*, (
            SELECT t.creation_minutes FROM marts.template_minutes t
            WHERE t.job_template_id = x.job_template_id AND t.valid_from <= x.date AND t.valid_to > x.date
        ) * (
            SELECT CASE WHEN c.recorded_by_subscription THEN r.hourly ELSE r.manual * 60 END::numeric(30,12)
            FROM marts.rate_period r JOIN marts.dim_cluster c USING (cluster_id)
            WHERE r.cluster_id = s.cluster_id AND r.organization_id = s.organization_id
              AND r.valid_from <= x.date AND r.valid_to > x.date
        ) AS creation_cost_60_as_recorded
    FROM (
        SELECT DISTINCT ON (k.count_check_mode, o.successful_only, r.job_template_id)
            k.count_check_mode, o.successful_only, r.job_template_id, r.series_id, r.job_id, r.date
        FROM marts.first_run r
        CROSS JOIN (VALUES (TRUE), (FALSE)) AS k (count_check_mode) CROSS JOIN (VALUES (TRUE), (FALSE)) AS o (successful_only)
        WHERE (k.count_check_mode OR r.job_type <> 'check') AND (NOT o.successful_only OR r.status = 'successful')
        ORDER BY k.count_check_mode, o.successful_only, r.job_template_id, r.finished, r.job_id
    ) x
    JOIN marts.series s USING (series_id)
    WHERE (SELECT marts.sees_all()) OR s.organization_id = ANY ((SELECT marts.visible_organizations())::int[]);

CREATE VIEW marts.counted_first_run WITH (security_invoker = true) AS
    SELECT r.job_template_id, r.series_id, r.job_id, r.date, r.creation_cost_60_as_recorded
    FROM marts.population_first_run r JOIN marts.formula f USING (count_check_mode, successful_only);

-- What the platform costs a month, with its history.
CREATE VIEW marts.subscription_price WITH (security_invoker = true) AS
    SELECT h.valid_from, lead(h.valid_from, 1, DATE '9999-12-31') OVER (ORDER BY h.valid_from) AS valid_to, h.value AS price
    FROM marts.rate_history h
    WHERE h.rate_type = 'subscription';

-- What a month's run time costs in a subscription, under each choice of the population: `price` for `elapsed_ms` in all; as
-- recorded, the price in force on the month's first day, for one that changes within a month is a later month's. A reader's
-- share needs the whole, so that all readers see it, with the owner's rights, but only where there is a price: then whoever
-- knows the costs of some run time knows the whole.
CREATE VIEW marts.population_month AS
    SELECT m.month, m.count_check_mode, m.successful_only, COALESCE(p.price, 0) AS price,
        COALESCE(r.price, 0) AS price_as_recorded, m.elapsed_ms
    FROM (
        SELECT p.month, k.count_check_mode, o.successful_only, sum(p.elapsed_ms) AS elapsed_ms
        FROM marts.platform_month p
        CROSS JOIN (VALUES (TRUE), (FALSE)) AS k (count_check_mode) CROSS JOIN (VALUES (TRUE), (FALSE)) AS o (successful_only)
        WHERE (k.count_check_mode OR NOT p.check_mode) AND (NOT o.successful_only OR p.status = 'successful')
        GROUP BY 1, 2, 3
        HAVING sum(p.elapsed_ms) > 0
    ) m
    LEFT JOIN marts.subscription_price p ON p.valid_from <= (SELECT marts.today()) AND p.valid_to > (SELECT marts.today())
    LEFT JOIN marts.subscription_price r ON r.valid_from <= m.month AND r.valid_to > m.month
    WHERE p.price > 0 OR r.price > 0
    OFFSET 0;  -- found once for the few months, not for each row that is joined

CREATE VIEW marts.subscription_month WITH (security_invoker = true) AS
    SELECT p.month, p.price, p.price_as_recorded, p.elapsed_ms
    FROM marts.population_month p JOIN marts.formula f USING (count_check_mode, successful_only)
    WHERE f.subscription OR EXISTS (SELECT FROM marts.dim_cluster c WHERE c.recorded_by_subscription);

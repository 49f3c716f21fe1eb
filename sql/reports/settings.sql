-- The settings behind the money, and the number of shown templates with their own manual minutes. Reads the marts only.
SELECT f.subscription, f.count_creation, f.creation_once, f.successful_only, f.count_check_mode, f.slices_once, f.reporting_timezone,
    f.fiscal_year_start_month, f.hours_per_fte, f.default_manual_minutes, f.default_creation_minutes, f.currency,
    (SELECT count(*) FROM marts.template_minutes m WHERE m.valid_to = '9999-12-31' AND m.job_template_id = ANY (%(shown)s)
        AND m.source <> 'default') AS own_minutes
FROM marts.formula f

-- Leaves a template out of the savings from a day on, or takes it in again. Returns no row for a day in the future.
SELECT rollup.exclude_template(%(id)s, %(excluded)s, d.day) FROM (SELECT COALESCE(%(day)s, marts.today()) AS day) d WHERE d.day <= marts.today()

-- Leaves a template out of the savings from a day on, or takes it in again.
SELECT rollup.exclude_template(%(id)s, %(excluded)s, %(day)s)

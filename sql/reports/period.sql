-- The days of a named period. Index: dim_date_pkey.
SELECT from_date, to_date FROM marts.period(%(name)s)

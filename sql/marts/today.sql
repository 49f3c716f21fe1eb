-- Today in the reporting time zone.
SELECT marts.today()

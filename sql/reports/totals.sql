-- The savings in total, one row. Reads the marts only.
SELECT * FROM marts.totals(%(from_date)s, %(to_date)s, clusters := %(clusters)s)

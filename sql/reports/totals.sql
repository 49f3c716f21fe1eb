-- One row that says what the automation saved. Reads the marts only.
SELECT * FROM marts.totals(%(from_date)s, %(to_date)s, clusters := %(clusters)s)

-- The time zone whose days the marts count. Reads the marts only.
SELECT reporting_timezone FROM marts.formula

-- The reporting time zone of the marts. Reads the marts only.
SELECT reporting_timezone FROM marts.formula

-- The table of job templates with their savings.
SELECT * FROM marts.savings_by_template('2025-01-01', '2025-01-31');

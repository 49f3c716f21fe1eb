-- The table of job templates with their savings.
SELECT * FROM marts.savings_by_template(:from_date, :to_date);

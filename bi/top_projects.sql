-- The five projects that ran most.
SELECT name, runs, savings FROM marts.top_projects(:from_date, :to_date, 5);

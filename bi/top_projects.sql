-- The five projects that ran most.
SELECT name, runs, savings FROM marts.top_projects('2025-01-01', '2025-01-31', 5);

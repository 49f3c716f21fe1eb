-- The five users who launched most.
SELECT name, runs FROM marts.top_users('2025-01-01', '2025-01-31', 5);

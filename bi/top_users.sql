-- The five users who launched most.
SELECT name, runs FROM marts.top_users(:from_date, :to_date, 5);

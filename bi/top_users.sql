-- The five users who launched most.
SELECT launched_by, runs FROM marts.top_users(:from_date, :to_date, 5) JOIN marts.dim_user USING (user_id) ORDER BY runs DESC;

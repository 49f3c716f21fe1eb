-- The five launchers with the most runs, schedules included; types := ARRAY['user'] keeps people.
SELECT launched_by, runs FROM marts.top_users(:from_date, :to_date, 5) JOIN marts.dim_user USING (user_id) ORDER BY runs DESC;

-- The days to build.
SELECT date FROM marts_day ORDER BY date

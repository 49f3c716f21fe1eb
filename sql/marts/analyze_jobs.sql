-- The planner must know whether it builds a day or years.
ANALYZE marts_job

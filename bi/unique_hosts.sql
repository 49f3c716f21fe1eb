-- Different hosts automated.
SELECT marts.unique_hosts(:from_date, :to_date);

-- The row of figures on top: runs, hosts, hours, costs, savings, ROI. Run it with psql -v from_date="'2026-01-01'" -v to_date="'2026-03-31'".
SELECT * FROM marts.totals(:from_date, :to_date);

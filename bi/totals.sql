-- The row of figures on top: runs, hosts, hours, costs, savings, ROI.
SELECT * FROM marts.totals('2025-01-01', '2025-01-31');

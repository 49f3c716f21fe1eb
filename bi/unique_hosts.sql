-- Different hosts automated.
SELECT marts.unique_hosts('2025-01-01', '2025-01-31');

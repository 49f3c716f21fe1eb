-- When each template had paid for its creation.
SELECT * FROM marts.payback ORDER BY payback_date;

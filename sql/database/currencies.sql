-- All currencies, oldest first. Primary key of common_currency.
SELECT id, iso_code, name, symbol FROM common_currency ORDER BY id

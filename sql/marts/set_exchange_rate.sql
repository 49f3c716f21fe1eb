-- Gives the day, today if none is said. Index: common_currency_rate_day_idx.
INSERT INTO common_currency_rate (from_currency, to_currency, rate_date, rate)
VALUES (%(from_currency)s, %(to_currency)s, COALESCE(%(rate_date)s, marts.today()), %(rate)s)
ON CONFLICT (from_currency, to_currency, rate_date) DO UPDATE SET rate = excluded.rate, internal_modified = now()
RETURNING rate_date

-- Index: common_currency_rate_day_idx.
INSERT INTO common_currency_rate (from_currency, to_currency, rate_date, rate)
VALUES (%(from_currency)s, %(to_currency)s, %(rate_date)s, %(rate)s)
ON CONFLICT (from_currency, to_currency, rate_date) DO UPDATE SET rate = excluded.rate, internal_modified = now()

-- Every exchange rate, by currencies and day. Index: common_currency_rate_day_idx.
SELECT from_currency, to_currency, rate_date, rate FROM common_currency_rate ORDER BY from_currency, to_currency, rate_date

-- A currency by its code, or the configured one. Index: common_settings_type_key.
SELECT currency.iso_code, COALESCE(currency.symbol, currency.iso_code || ' ')
FROM common_currency currency
WHERE CASE WHEN %(currency)s::text IS NOT NULL THEN currency.iso_code = upper(%(currency)s)
    ELSE currency.id::text = (SELECT trim(both '"' from value) FROM common_settings WHERE type = 'currency') END

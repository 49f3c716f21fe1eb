-- The configured currency. Index: common_settings_type_key.
SELECT currency.iso_code, COALESCE(currency.symbol, currency.iso_code || ' ')
FROM common_settings setting
JOIN common_currency currency ON currency.id::text = trim(both '"' from setting.value)
WHERE setting.type = 'currency'

-- Code and symbol of a currency, or of the configured one. Fails without an exchange rate on the day. Reads only the marts.
SELECT COALESCE(upper(%(currency)s::text), f.currency),
    COALESCE(c.symbol, COALESCE(upper(%(currency)s::text), f.currency) || ' ')
FROM marts.formula f
CROSS JOIN (SELECT rollup.conversion(%(currency)s, COALESCE(%(day)s::date, marts.today())) AS rate OFFSET 0) r
LEFT JOIN common_currency c ON c.iso_code = COALESCE(upper(%(currency)s::text), f.currency)
WHERE f.currency IS NOT NULL AND r.rate > 0

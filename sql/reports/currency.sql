-- A currency by its code, or the configured one, with its symbol; fails where it cannot be converted on the day. Reads the marts only.
SELECT COALESCE(upper(%(currency)s::text), f.currency),
    COALESCE(c.symbol, COALESCE(upper(%(currency)s::text), f.currency) || ' ')
FROM marts.formula f
CROSS JOIN (SELECT marts.conversion(%(currency)s, COALESCE(%(day)s::date, marts.today())) AS rate OFFSET 0) r
LEFT JOIN common_currency c ON c.iso_code = COALESCE(upper(%(currency)s::text), f.currency)
WHERE f.currency IS NOT NULL AND r.rate > 0

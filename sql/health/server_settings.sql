-- Settings that violate the rules (too small, or another value), and where to change each for the current session. Reads
-- the catalog only.
SELECT rule.number - 1, s.name, current_setting(s.name),
    CASE WHEN s.context = 'postmaster' THEN format('ALTER SYSTEM SET %%I = %%L; and restart the server', s.name, rule.wanted)
        WHEN s.context = 'sighup' THEN format('ALTER SYSTEM SET %%I = %%L; SELECT pg_reload_conf();', s.name, rule.wanted)
        WHEN s.source LIKE '%%user' THEN format('ALTER ROLE CURRENT_USER SET %%I = %%L;', s.name, rule.wanted)
        ELSE format('ALTER DATABASE %%I SET %%I = %%L;', current_database(), s.name, rule.wanted) END
FROM unnest(%(names)s::text[], %(wanted)s::text[]) WITH ORDINALITY AS rule (name, wanted, number)
JOIN pg_catalog.pg_settings s ON s.name LIKE rule.name
WHERE CASE WHEN s.unit IS NULL THEN s.setting IN ('on', 'off') AND s.setting <> rule.wanted AND s.boot_val = rule.wanted
        ELSE pg_size_bytes(current_setting(s.name)) < pg_size_bytes(rule.wanted) END
ORDER BY rule.number, s.name

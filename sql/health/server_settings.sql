-- Settings that violate a rule (too small, or another value), what that causes, and where to change each for the current
-- session. Reads the catalog only.
SELECT s.name, current_setting(s.name), rule.consequence,
    CASE WHEN s.context = 'postmaster' THEN format('ALTER SYSTEM SET %I = %L; and restart the server', s.name, rule.wanted)
        WHEN s.context = 'sighup' THEN format('ALTER SYSTEM SET %I = %L; SELECT pg_reload_conf();', s.name, rule.wanted)
        WHEN s.source LIKE '%user' THEN format('ALTER ROLE CURRENT_USER SET %I = %L;', s.name, rule.wanted)
        ELSE format('ALTER DATABASE %I SET %I = %L;', current_database(), s.name, rule.wanted) END
FROM (VALUES -- a name or LIKE pattern, the required value or least size, and what another value causes
    (1, 'shared_buffers', '128MB', 'with less than the default, PostgreSQL reads the same pages repeatedly'),
    (2, 'work_mem', '4MB', 'with less than the default, queries sort and join on disk'),
    (3, 'autovacuum', 'on', 'tables grow, statistics become stale, and queries get slower'),
    (4, 'enable\_%', 'on', 'the planner must avoid the fastest plan of some queries'),
    (5, 'fsync', 'on', 'a crash of the machine can destroy the database'),
    (6, 'full_page_writes', 'on', 'a crash of the machine can destroy the database'),
    (7, 'synchronous_commit', 'on', 'a crash can lose the last commits, and tokens that were just replaced')
) rule (number, name, wanted, consequence)
JOIN pg_catalog.pg_settings s ON s.name LIKE rule.name
WHERE CASE WHEN s.unit IS NULL THEN s.setting IN ('on', 'off') AND s.setting <> rule.wanted AND s.boot_val = rule.wanted
        ELSE pg_size_bytes(current_setting(s.name)) < pg_size_bytes(rule.wanted) END
ORDER BY rule.number, s.name

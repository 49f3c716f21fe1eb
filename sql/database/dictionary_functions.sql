-- The functions of schema marts that people call, with arguments, results and comments; triggers are left out.
-- Catalogs only: pg_proc by its schema.
SELECT
    p.proname AS name,
    pg_get_function_arguments(p.oid) AS arguments,
    pg_get_function_result(p.oid) AS result,
    obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc p
WHERE p.pronamespace = to_regnamespace('marts') AND p.prorettype <> 'trigger'::regtype AND p.prokind = 'f'
ORDER BY p.proname COLLATE "C", p.oid

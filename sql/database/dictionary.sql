-- Every table and view of the pipeline with its columns, types, defaults and comments, in the order of the dictionary.
-- Catalogs only: pg_class, pg_attribute and pg_attrdef by their own indexes.
SELECT
    n.nspname AS schema,
    t.relname AS relation,
    CASE t.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind,
    obj_description(t.oid, 'pg_class') AS relation_comment,
    a.attname AS name,
    format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS not_null,
    pg_get_expr(d.adbin, d.adrelid) AS default_value,
    (SELECT c.confrelid::regclass::text FROM pg_constraint c
     WHERE c.contype = 'f' AND c.conrelid = t.oid AND c.conkey = ARRAY[a.attnum] LIMIT 1) AS refers_to,
    col_description(t.oid, a.attnum) AS comment
FROM pg_class t
JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE n.nspname IN ('public', 'pipeline', 'marts', 'rollup', 'archive') AND t.relkind IN ('r', 'p', 'v', 'm') AND NOT t.relispartition
  AND t.relname <> 'schema_version' AND (n.nspname <> 'rollup' OR t.relkind = 'r')
ORDER BY array_position(ARRAY['marts', 'public', 'pipeline', 'archive', 'rollup'], n.nspname::text), t.relname COLLATE "C", a.attnum

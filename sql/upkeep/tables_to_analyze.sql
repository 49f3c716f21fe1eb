-- Our tables of which more than a twentieth of the rows changed since their last ANALYZE, or that never had one. Autovacuum
-- waits for a tenth, and a restored or newly filled table has no statistics.
SELECT schemaname, relname
FROM pg_stat_user_tables
WHERE schemaname IN ('public', 'pipeline', 'marts', 'rollup', 'archive') AND n_live_tup > 0
  AND (n_mod_since_analyze > n_live_tup / 20 OR COALESCE(last_analyze, last_autoanalyze) IS NULL)
ORDER BY schemaname, relname

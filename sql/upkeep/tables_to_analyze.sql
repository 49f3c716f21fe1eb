-- Tables of ours whose rows changed by more than a twentieth since their last ANALYZE, or that never had one: autovacuum
-- waits for a tenth, and a restored or freshly filled table has no statistics at all.
SELECT schemaname, relname
FROM pg_stat_user_tables
WHERE schemaname IN ('public', 'pipeline', 'marts', 'rollup', 'archive') AND n_live_tup > 0
  AND (n_mod_since_analyze > n_live_tup / 20 OR COALESCE(last_analyze, last_autoanalyze) IS NULL)
ORDER BY schemaname, relname

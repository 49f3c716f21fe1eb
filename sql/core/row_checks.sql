-- Whether this role may switch off the row triggers of its own session, its name for a GRANT, and which triggers would then
-- not fire beside the checks of the references to jobs, hosts and labels.
SELECT
    has_parameter_privilege(current_user, 'session_replication_role', 'SET'),
    quote_ident(current_user),
    ARRAY(SELECT tgname::text FROM pg_trigger
          WHERE tgrelid IN ('clusters_joblabel'::regclass, 'clusters_jobhostsummary'::regclass)
            AND tgenabled NOT IN ('A', 'D')
            AND tgconstrrelid NOT IN ('clusters_job'::regclass, 'clusters_host'::regclass, 'clusters_label'::regclass)
          ORDER BY 1)

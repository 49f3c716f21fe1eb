-- Whether this role may switch off the row triggers of its own session, its name for a GRANT, and what would then not
-- happen beside the checks of the references that core/hold_references holds: triggers, rules and references added by
-- somebody else, those from a table of theirs to what a batch replaces included.
SELECT
    has_parameter_privilege(current_user, 'session_replication_role', 'SET'),
    quote_ident(current_user),
    ARRAY(
        SELECT tgname::text FROM pg_trigger
        WHERE NOT tgisinternal AND tgenabled NOT IN ('A', 'D')
          AND tgrelid IN ('clusters_job'::regclass, 'clusters_joblabel'::regclass, 'clusters_jobhostsummary'::regclass)
        UNION ALL
        SELECT rulename::text FROM pg_rewrite
        WHERE ev_enabled NOT IN ('A', 'D')
          AND ev_class IN ('clusters_job'::regclass, 'clusters_joblabel'::regclass, 'clusters_jobhostsummary'::regclass)
        UNION ALL
        SELECT conname::text FROM pg_constraint
        WHERE contype = 'f'
          AND confrelid IN ('clusters_job'::regclass, 'clusters_joblabel'::regclass, 'clusters_jobhostsummary'::regclass)
          AND conrelid NOT IN ('clusters_joblabel'::regclass, 'clusters_jobhostsummary'::regclass)
        UNION ALL
        SELECT conname::text FROM pg_constraint
        WHERE contype = 'f'
          AND conrelid IN ('clusters_job'::regclass, 'clusters_joblabel'::regclass, 'clusters_jobhostsummary'::regclass)
          AND confrelid NOT IN (
              'clusters_cluster'::regclass, 'clusters_organization'::regclass, 'clusters_jobtemplate'::regclass,
              'clusters_project'::regclass, 'clusters_inventory'::regclass, 'clusters_executionenvironment'::regclass,
              'clusters_instancegroup'::regclass, 'clusters_aapuser'::regclass, 'clusters_label'::regclass,
              'clusters_host'::regclass, 'clusters_job'::regclass)
        ORDER BY 1)

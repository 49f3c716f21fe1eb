-- Who reads what. Role bi_reader reads schema marts and nothing else. A role that marts.bi_access lists (or that inherits
-- one it lists) sees the organizations it is given, in every table, view and function; all others see everything.
CREATE TABLE marts.bi_access (
    role NAME NOT NULL,
    organization INTEGER NOT NULL,
    PRIMARY KEY (role, organization)
);
ALTER TABLE marts.bi_access ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON marts.bi_access FOR SELECT
    USING (role IN (SELECT r.rolname FROM pg_catalog.pg_roles r WHERE pg_has_role(CURRENT_USER, r.oid, 'USAGE')));

-- SECURITY INVOKER on purpose: inside a SECURITY DEFINER function current_user would be the owner, and everyone would
-- see what the owner sees.
CREATE FUNCTION marts.sees_all() RETURNS BOOLEAN LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT COALESCE((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER), FALSE)
        OR NOT EXISTS (
            SELECT FROM marts.bi_access a JOIN pg_catalog.pg_roles r ON r.rolname = a.role
            WHERE pg_has_role(CURRENT_USER, r.oid, 'USAGE'))
$$;
CREATE FUNCTION marts.visible_organizations() RETURNS INTEGER[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT COALESCE(array_agg(DISTINCT a.organization), '{}')
    FROM marts.bi_access a JOIN pg_catalog.pg_roles r ON r.rolname = a.role
    WHERE pg_has_role(CURRENT_USER, r.oid, 'USAGE')
$$;

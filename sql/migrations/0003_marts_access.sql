-- Who reads what. Role bi_reader reads schema marts and nothing else. A role that marts.bi_access lists (or that inherits
-- one it lists) sees the organizations it is given, in every table, view and function; all others see everything.
CREATE TABLE marts.bi_access (
    role NAME NOT NULL,
    organization INTEGER NOT NULL,
    PRIMARY KEY (role, organization)
);
ALTER TABLE marts.bi_access ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON marts.bi_access FOR SELECT
    USING (role IN (SELECT r.rolname FROM pg_catalog.pg_roles r
                    WHERE pg_has_role(CURRENT_USER, r.oid, 'USAGE') OR pg_has_role(SESSION_USER, r.oid, 'USAGE')));

-- Whoever is not listed sees everything: a misspelt role would restrict nobody.
CREATE FUNCTION rollup.check_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rollup.require(EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = NEW.role), 'raise_exception',
        format('There is no database role "%s". Create it with CREATE ROLE first, and write it as pg_roles has it.', NEW.role));
    PERFORM rollup.require(NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_class t ON t.oid = TG_RELID
        WHERE r.rolname = NEW.role AND (r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, t.relowner, 'USAGE')
            OR pg_has_role('bi_reader', r.oid, 'MEMBER'))), 'raise_exception', format('Role "%s" cannot be restricted: '
        'it is a superuser, has BYPASSRLS, owns the marts, or includes bi_reader. Use another role.', NEW.role));
    RETURN NEW;
END $$;
CREATE TRIGGER known_roles BEFORE INSERT OR UPDATE OF role ON marts.bi_access FOR EACH ROW EXECUTE FUNCTION rollup.check_role();

-- The reader's organizations, NULL for all; a role with organization -1 inherits none. The role that SET ROLE chose counts where it is
-- listed, else the login: a login that is listed sees no more as bi_reader, a shared login that is not sees what the role of the person does.
-- SECURITY INVOKER on purpose: inside a SECURITY DEFINER function current_user would be the owner, and everyone would
-- see what the owner sees. Bodies of this form are bound when they are created: no search_path of the reader's puts
-- functions of its own in their place.
CREATE FUNCTION marts.visible_organizations() RETURNS INTEGER[] LANGUAGE sql STABLE PARALLEL SAFE RETURN (
    SELECT COALESCE(array_agg(DISTINCT a.organization) FILTER (WHERE who.rolname = CURRENT_USER),
        array_agg(DISTINCT a.organization))
    FROM marts.bi_access a
    JOIN pg_catalog.pg_roles r ON r.rolname = a.role
    JOIN pg_catalog.pg_roles who ON who.rolname IN (CURRENT_USER, SESSION_USER) AND NOT who.rolsuper
        AND pg_has_role(who.oid, r.oid, 'USAGE')
    WHERE a.role = who.rolname
       OR NOT EXISTS (SELECT FROM marts.bi_access n WHERE n.role = who.rolname AND n.organization = -1)
);
CREATE FUNCTION marts.sees_all() RETURNS BOOLEAN LANGUAGE sql STABLE PARALLEL SAFE
    RETURN marts.visible_organizations() IS NULL;

-- The row that shows nothing stays, so that the role is still restricted, unless it was dropped. Index: bi_access_pkey.
DELETE FROM marts.bi_access
WHERE role = %(role)s AND (organization <> %(nothing)s OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role))
    AND (%(organizations)s::int[] IS NULL OR organization = ANY (%(organizations)s))

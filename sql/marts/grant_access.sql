-- Lists an organization for a role. Index: bi_access_pkey.
INSERT INTO marts.bi_access (role, organization) VALUES (%(role)s, %(organization)s) ON CONFLICT (role, organization) DO NOTHING

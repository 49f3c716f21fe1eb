INSERT INTO marts.bi_access (role, organization) VALUES (%(role)s, %(organization)s) ON CONFLICT DO NOTHING

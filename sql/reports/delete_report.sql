-- Index: saved_report's primary key.
DELETE FROM pipeline.saved_report WHERE name = %(name)s

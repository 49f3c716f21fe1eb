-- Index: saved_report_pkey.
DELETE FROM pipeline.saved_report WHERE name = %(name)s

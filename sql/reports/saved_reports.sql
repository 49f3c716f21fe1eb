-- Saved reports, all or one. Index: saved_report_pkey.
SELECT name, question, schedule, mail_to, saved_at, done_for
FROM pipeline.saved_report WHERE %(name)s::text IS NULL OR name = %(name)s
ORDER BY name

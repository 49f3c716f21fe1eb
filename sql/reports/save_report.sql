-- Upsert a saved report. Index: saved_report_pkey.
INSERT INTO pipeline.saved_report (name, question, schedule, mail_to)
VALUES (%(name)s, %(question)s, %(schedule)s, %(mail_to)s)
ON CONFLICT (name) DO UPDATE SET question = EXCLUDED.question, schedule = EXCLUDED.schedule, mail_to = EXCLUDED.mail_to,
    saved_at = NOW(), done_for = NULL

-- Open an incident, or count another occurrence of the open one of the same kind and subject. Index: alert_open_idx.
INSERT INTO pipeline.alert (kind, subject, message, link, tell_from)
VALUES (%(kind)s, %(subject)s, %(message)s, %(link)s, NOW() + %(patience)s)
ON CONFLICT (kind, subject) WHERE resolved_at IS NULL
DO UPDATE SET message = EXCLUDED.message, link = EXCLUDED.link, last_seen = NOW(), occurrences = alert.occurrences + 1

-- Resolve the open incident of a kind and subject, if any. Index: alert_open_idx.
UPDATE pipeline.alert SET resolved_at = NOW() WHERE kind = %(kind)s AND subject = %(subject)s AND resolved_at IS NULL

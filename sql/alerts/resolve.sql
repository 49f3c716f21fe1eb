-- The open incident of this kind and subject, if there is one, is over. Index: alert_open_idx.
UPDATE pipeline.alert SET resolved_at = NOW() WHERE kind = %(kind)s AND subject = %(subject)s AND resolved_at IS NULL

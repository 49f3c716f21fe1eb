-- Subjects of the open incidents of a kind. Index: alert_open_idx.
SELECT subject FROM pipeline.alert WHERE kind = %(kind)s AND resolved_at IS NULL ORDER BY subject

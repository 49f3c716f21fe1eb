-- Forget incidents that were over more than `days` ago; deliveries go with them. Index: alert_raised_at_idx.
DELETE FROM pipeline.alert
WHERE raised_at < NOW() - make_interval(days => %(days)s) AND resolved_at < NOW() - make_interval(days => %(days)s)

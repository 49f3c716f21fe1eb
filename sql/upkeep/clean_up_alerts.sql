-- Delete incidents that were resolved more than `days` ago, with their deliveries. Index: alert_raised_at_idx.
DELETE FROM pipeline.alert
WHERE raised_at < NOW() - make_interval(days => %(days)s) AND resolved_at < NOW() - make_interval(days => %(days)s)

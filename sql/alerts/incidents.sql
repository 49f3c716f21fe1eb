-- Open incidents, or with %(all)s also those of the last 30 days, newest first, with the receivers of their first message
-- and its delivery errors. Indexes: alert_open_idx, alert_raised_at_idx, alert_delivery_pkey.
SELECT alert.raised_at, alert.resolved_at, alert.kind, alert.subject, alert.message, alert.link, alert.occurrences,
       told.receivers AS told, told.errors
FROM pipeline.alert
CROSS JOIN LATERAL (
    SELECT string_agg(receiver, ', ' ORDER BY receiver) FILTER (WHERE delivered_at IS NOT NULL) AS receivers,
           string_agg(receiver || ': ' || error, '; ' ORDER BY receiver) FILTER (WHERE error IS NOT NULL) AS errors
    FROM pipeline.alert_delivery WHERE alert_id = alert.id AND NOT resolution
) told
WHERE resolved_at IS NULL OR (%(all)s AND raised_at > NOW() - INTERVAL '30 days')
ORDER BY alert.id DESC

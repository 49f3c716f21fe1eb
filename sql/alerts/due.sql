-- The messages due for a receiver: that open incidents began, and that incidents sent to it are resolved. Incidents that
-- were resolved while the receiver was down, or before tell_from, are skipped.
-- Indexes: alert_raised_at_idx, alert_delivery_pkey.
SELECT alert.id, alert.kind, alert.subject, alert.message, alert.link, alert.raised_at, alert.resolved_at
FROM pipeline.alert
LEFT JOIN pipeline.alert_delivery began
    ON began.alert_id = alert.id AND began.receiver = %(receiver)s AND NOT began.resolution
LEFT JOIN pipeline.alert_delivery ended
    ON ended.alert_id = alert.id AND ended.receiver = %(receiver)s AND ended.resolution
WHERE alert.raised_at > NOW() - INTERVAL '30 days'
  AND CASE WHEN alert.resolved_at IS NULL
           THEN alert.tell_from <= NOW() AND began.delivered_at IS NULL AND COALESCE(began.next_attempt, NOW()) <= NOW()
           ELSE began.delivered_at IS NOT NULL AND ended.delivered_at IS NULL
                AND COALESCE(ended.next_attempt, NOW()) <= NOW() END
ORDER BY alert.raised_at, alert.id
LIMIT 20

-- Messages that a receiver has not had and that are due: of open incidents that they began, of those it was told of that
-- they are over. What began and ended while the receiver was down, or before it was to be told, is not told any more.
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

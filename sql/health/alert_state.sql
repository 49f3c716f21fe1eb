-- Numbers of open incidents and of failed messages to these receivers that will be retried, and the last error. Indexes:
-- alert_open_idx, alert_delivery_due_idx.
SELECT (SELECT count(*) FROM pipeline.alert now_open WHERE resolved_at IS NULL),
       count(*),
       (array_agg(receiver || ': ' || error ORDER BY next_attempt DESC))[1]
FROM pipeline.alert_delivery delivery
JOIN pipeline.alert ON alert.id = delivery.alert_id
WHERE delivered_at IS NULL AND error IS NOT NULL AND receiver = ANY(%(receivers)s)
  AND (resolution OR resolved_at IS NULL)  -- incidents that began and ended meanwhile are not sent

-- Note a delivery attempt before it is made, so that a crash in between delays the next one. Index: alert_delivery_pkey.
INSERT INTO pipeline.alert_delivery (alert_id, receiver, resolution, attempts, next_attempt)
VALUES (%(alert)s, %(receiver)s, %(resolution)s, 1, NOW() + INTERVAL '30 seconds')
ON CONFLICT (alert_id, receiver, resolution) DO UPDATE
SET attempts = alert_delivery.attempts + 1,
    next_attempt = NOW() + LEAST(INTERVAL '30 seconds' * power(2, LEAST(alert_delivery.attempts, 10)), INTERVAL '1 hour')

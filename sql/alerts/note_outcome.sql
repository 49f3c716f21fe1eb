-- How an attempt ended. Index: alert_delivery_pkey.
UPDATE pipeline.alert_delivery
SET delivered_at = CASE WHEN %(error)s::text IS NULL THEN NOW() END, error = %(error)s
WHERE alert_id = %(alert)s AND receiver = %(receiver)s AND resolution = %(resolution)s

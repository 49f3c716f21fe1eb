-- Store the outcome of an attempt; `error` of a delivered message lists the addresses that rejected it. Index:
-- alert_delivery_pkey.
UPDATE pipeline.alert_delivery
SET delivered_at = CASE WHEN %(delivered)s THEN NOW() END, error = %(error)s
WHERE alert_id = %(alert)s AND receiver = %(receiver)s AND resolution = %(resolution)s

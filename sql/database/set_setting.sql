-- Upsert one application setting by the unique key of common_settings (type). An equal value is not updated, so that
-- triggers and internal_modified reflect real changes.
INSERT INTO common_settings AS stored (type, value) VALUES (%(name)s, %(value)s)
ON CONFLICT (type) DO UPDATE SET value = excluded.value, internal_modified = now()
WHERE stored.value IS DISTINCT FROM excluded.value

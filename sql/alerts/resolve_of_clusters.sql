-- Incidents of these clusters are over: nobody syncs them any more. A subject ends with its cluster's name. Index:
-- alert_open_idx.
UPDATE pipeline.alert SET resolved_at = NOW()
WHERE resolved_at IS NULL AND substring(subject FROM '[^ ]+$') = ANY(%(clusters)s)

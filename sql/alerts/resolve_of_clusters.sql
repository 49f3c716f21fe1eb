-- Resolve the incidents of clusters that are no longer synced. A subject ends with its cluster's name. Index:
-- alert_open_idx.
UPDATE pipeline.alert SET resolved_at = NOW()
WHERE resolved_at IS NULL AND substring(subject FROM '[^ ]+$') = ANY(%(clusters)s)

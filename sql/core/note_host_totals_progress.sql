-- Store the progress of the check of host totals. Uses host_totals_check_pkey.
INSERT INTO pipeline.host_totals_check (cluster_id, newest_id, audited_id)
VALUES (%(cluster_id)s, %(newest_id)s, %(audited_id)s)
ON CONFLICT (cluster_id) DO UPDATE
SET newest_id = EXCLUDED.newest_id, audited_id = EXCLUDED.audited_id, checked_at = NOW()

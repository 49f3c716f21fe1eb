-- Computes the money of one cluster's days anew, month by month; returns the rows that changed. Index:
-- savings_monthly_date_cluster_id_idx, and the same of the days.
SELECT rollup.reprice(%(cluster_id)s, %(from_date)s, %(before_date)s)

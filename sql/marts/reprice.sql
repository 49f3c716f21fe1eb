-- Computes the money of one cluster's days anew; returns the rows that changed. Index: savings_daily_date_cluster_id_idx.
SELECT rollup.reprice(%(cluster_id)s, %(from_date)s, %(before_date)s)

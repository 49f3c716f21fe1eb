-- Computes the money of one cluster's days anew; returns the rows that changed. Index: savings_daily_pkey.
SELECT rollup.reprice(%(cluster_id)s, %(from_date)s, %(before_date)s)

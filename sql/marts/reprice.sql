-- Computes the money of one cluster's days anew; returns the rows that changed. Index: savings_daily's primary key.
SELECT rollup.reprice(%(cluster_id)s, %(from_date)s, %(before_date)s)

-- Every fact is joined to the series; a new one is rare, so that this is too.
ANALYZE marts.workload, marts.series, marts.dim_label_set

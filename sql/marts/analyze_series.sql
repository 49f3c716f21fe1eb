-- Every fact is joined to the series; a new one is rare, so that this is too.
ANALYZE marts.series, marts.dim_label_set

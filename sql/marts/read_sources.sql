-- Compares settings, costs, rates and one cluster's templates with what the marts keep of them.
SELECT rollup.read_sources(%(cluster_id)s)

-- Savings by job template, the largest first. Reads the marts only.
SELECT name, runs, successful_runs, failed_runs, num_hosts, elapsed, manual_costs, automated_costs, savings
FROM marts.savings_by_template(%(from_date)s, %(to_date)s, clusters := %(clusters)s)
ORDER BY savings DESC, name

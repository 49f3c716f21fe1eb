-- Totals per organization with runs in the months of the range. Reads the marts only. Index: savings_monthly_date_cluster_id_idx.
SELECT o.organization AS name, o.organization_id, t.runs, t.successful_runs, t.failed_runs, t.hosts, t.unique_hosts, t.elapsed,
    t.manual_costs, t.automated_costs, t.savings, t.manual_costs_as_recorded, t.automated_costs_as_recorded, t.savings_as_recorded
FROM marts.dim_organization o
CROSS JOIN LATERAL marts.totals(%(from_date)s, %(to_date)s, clusters := %(clusters)s, organizations := ARRAY[o.organization_id],
    job_templates := %(job_templates)s, projects := %(projects)s, labels := %(labels)s, inventories := %(inventories)s,
    currency := %(currency)s) t
WHERE (%(organizations)s::int[] IS NULL OR o.organization_id = ANY (%(organizations)s)) AND t.runs > 0
    AND o.organization_id IN (SELECT s.organization_id FROM marts.savings_monthly s
        WHERE s.month BETWEEN date_trunc('month', %(from_date)s::timestamp) AND %(to_date)s)
ORDER BY t.savings DESC, o.organization

-- Figures of the marts for Dagster, as in reports/core_tables; the sample rows are of the newest day with runs. Indexes: savings_daily_date_cluster_id_idx,
-- launches_date_cluster_id_idx, host_set_daily_date_idx.
WITH newest AS (SELECT max(date) AS day FROM marts.savings_daily WHERE cluster_id = %(cluster)s),
found (asset, relation, counted, shown) AS (
    SELECT 'savings_daily', 'marts.savings_daily'::regclass,
        (SELECT count(*) FROM (SELECT FROM marts.savings_daily WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT date, left(template.name, 60) AS "job template", status, runs, hosts, round(savings, 2) AS savings
            FROM marts.savings_daily daily JOIN marts.dim_job_template template USING (job_template_id)
            WHERE daily.cluster_id = %(cluster)s AND date = (SELECT day FROM newest)
            ORDER BY savings DESC LIMIT 5) few)
    UNION ALL
    SELECT 'host_set_daily', 'rollup.host_set_daily'::regclass,
        (SELECT count(*) FROM (SELECT FROM rollup.host_set_daily WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT date, left(template.name, 60) AS "job template", chunk, bit_count(hosts) AS "hosts in the set"
            FROM rollup.host_set_daily sets JOIN marts.dim_job_template template USING (job_template_id)
            WHERE sets.cluster_id = %(cluster)s AND date = (SELECT day FROM newest) LIMIT 5) few)
    UNION ALL
    SELECT 'launches_daily', 'marts.launches'::regclass,
        (SELECT count(*) FROM (SELECT FROM marts.launches WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT date, left(launched_by, 60) AS "launched by", left(template.name, 60) AS "job template", runs, hosts
            FROM marts.launches daily JOIN marts.dim_user launcher USING (user_id)
            JOIN marts.dim_job_template template USING (job_template_id)
            WHERE daily.cluster_id = %(cluster)s AND date = (SELECT day FROM newest)
            ORDER BY runs DESC LIMIT 5) few)
)
SELECT asset, relation::text, counted, reltuples::bigint AS estimated, shown FROM found JOIN pg_class ON pg_class.oid = relation

-- What Dagster shows of the marts: as report/core_tables; the rows shown are of the newest day with runs. The rows of the
-- view savings_daily are those of run_daily. Indexes: series' unique one, the facts' keys and dates, activity_daily_cluster_idx.
WITH newest AS (SELECT max(date) AS day FROM marts.activity_daily WHERE cluster_id = %(cluster)s),
found (asset, relation, counted, shown) AS (
    SELECT 'savings_daily', 'marts.run_daily'::regclass,
        (SELECT count(*) FROM (SELECT FROM marts.series JOIN marts.run_daily USING (series_id)
            WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT date, template.name AS "job template", status, runs, hosts, round(savings, 2) AS savings
            FROM marts.savings_daily daily JOIN marts.dim_job_template template USING (job_template_id)
            WHERE daily.cluster_id = %(cluster)s AND date = (SELECT day FROM newest)
            ORDER BY savings DESC LIMIT 5) few)
    UNION ALL
    SELECT 'host_set_daily', 'marts.host_set_daily'::regclass,
        (SELECT count(*) FROM (SELECT FROM marts.host_set_daily WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT date, template.name AS "job template", check_mode AS "check mode", chunk, bit_count(hosts) AS "hosts in the set"
            FROM marts.workload JOIN marts.host_set_daily USING (workload_id)
            JOIN marts.dim_job_template template USING (job_template_id)
            WHERE workload.cluster_id = %(cluster)s AND date = (SELECT day FROM newest) LIMIT 5) few)
    UNION ALL
    SELECT 'launches_daily', 'marts.launches_daily'::regclass,
        (SELECT count(*) FROM (SELECT FROM marts.launches_daily WHERE cluster_id = %(cluster)s LIMIT %(most)s) few),
        (SELECT json_agg(few) FROM (
            SELECT date, launcher.name AS "launched by", template.name AS "job template", runs, hosts
            FROM marts.series JOIN marts.launches_daily USING (series_id)
            JOIN marts.dim_user launcher USING (user_id) JOIN marts.dim_job_template template USING (job_template_id)
            WHERE series.cluster_id = %(cluster)s AND date = (SELECT day FROM newest)
            ORDER BY runs DESC LIMIT 5) few)
)
SELECT asset, relation::text, counted, reltuples::bigint AS estimated, shown FROM found JOIN pg_class ON pg_class.oid = relation

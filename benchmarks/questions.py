"""The queries of a dashboard: functions of the marts, and the same on core in the specification's SQL."""

from __future__ import annotations

# Each {filters} is one of FILTERS; parameters first, last (dates, both included) and granularity.
MARTS = {
    "savings_by_template": "SELECT * FROM marts.savings_by_template(%(first)s, %(last)s{filters})",
    "totals": "SELECT * FROM marts.totals(%(first)s, %(last)s{filters})",
    "jobs_chart": "SELECT date_bucket, job_count FROM marts.job_counts(%(first)s, %(last)s, %(granularity)s{filters})",
    "hosts_chart": "SELECT date_bucket, host_count "
    "FROM marts.job_counts(%(first)s, %(last)s, %(granularity)s{filters})",
    "top_users": "SELECT * FROM marts.top_users(%(first)s, %(last)s, 5{filters})",
    "top_projects": "SELECT * FROM marts.top_projects(%(first)s, %(last)s, 5{filters})",
}
"""One page of the dashboard: six questions."""

ALONE = {
    "unique_hosts": "SELECT marts.unique_hosts(%(first)s, %(last)s{filters})",
    "formula_comparison": "SELECT * FROM marts.formula_comparison(%(first)s, %(last)s{filters})",
}
"""Functions that are not part of the page (`totals` includes unique hosts)."""

_DAYS = "date BETWEEN %(first)s AND %(last)s"
TILES = {
    "kpi_row": "SELECT sum(runs), sum(hosts), sum(elapsed_seconds), sum(manual_costs), sum(automated_costs), "
    f"sum(savings), sum(time_savings_seconds) FROM marts.savings_daily WHERE {_DAYS}",
    "months_by_organization": "SELECT d.year_month, o.organization, sum(s.savings) FROM marts.savings_daily s "
    f"JOIN marts.dim_date d USING (date) JOIN marts.dim_organization o USING (organization_id) WHERE s.{_DAYS} "
    "GROUP BY 1, 2",
    "top_templates": "SELECT t.job_template, sum(s.savings) FROM marts.savings_daily s "
    f"JOIN marts.dim_job_template t USING (job_template_id) WHERE s.{_DAYS} GROUP BY 1 ORDER BY 2 DESC LIMIT 20",
    "status_by_day": f"SELECT date, status, sum(runs) FROM marts.savings_daily WHERE {_DAYS} GROUP BY 1, 2",
    "top_projects": "SELECT p.project, sum(s.runs) FROM marts.savings_daily s JOIN marts.dim_project p "
    f"USING (project_id) WHERE s.{_DAYS} GROUP BY 1 ORDER BY 2 DESC LIMIT 5",
    "top_users": "SELECT u.launched_by, sum(l.runs) FROM marts.launches l JOIN marts.dim_user u USING (user_id) "
    f"WHERE l.{_DAYS} GROUP BY 1 ORDER BY 2 DESC LIMIT 5",
    "hosts_by_day": f"SELECT date, sum(hosts) FROM marts.savings_daily WHERE {_DAYS} GROUP BY 1",
}
"""Seven tiles as BI tools ask them."""

SUM = f"SELECT sum(savings) FROM marts.savings_daily WHERE {_DAYS}"
"""The least that any tile over savings_daily costs."""

VIEWS = {
    **TILES,
    "kpi_daily": f"SELECT * FROM marts.kpi_daily WHERE {_DAYS}",
    "savings_monthly": "SELECT month, sum(savings) FROM marts.savings_monthly "
    "WHERE month BETWEEN %(first)s AND %(last)s GROUP BY month",
    "template_monthly": "SELECT * FROM marts.template_monthly WHERE month BETWEEN %(first)s AND %(last)s",
    "payback": "SELECT * FROM marts.payback",
}
"""Queries of tools that read tables; payback has no range."""

FILTERS = {
    "none": "",
    "cluster": ", clusters := ARRAY[1]",
    "two organizations": ", organizations := ARRAY[3, 4]",
    "one template": ", job_templates := ARRAY[7]",
    "three quarters of the templates": ", job_templates := ARRAY(SELECT generate_series(1, 75))",
    "one project": ", projects := ARRAY[25]",
    "one label": ", labels := ARRAY[3]",
    "half of the labels": ", labels := ARRAY(SELECT generate_series(1, 15))",
}

RANGES = {7: "day", 30: "day", 365: "month", 730: "month"}
"""Days back from the newest, and the granularity of the charts."""

_POPULATION = (
    "j.status IN ('successful', 'failed') AND j.num_hosts > 0 "
    "AND j.finished >= %(first)s AND j.finished < %(last)s::date + 1"
)
_MONEY = """
    count(*) AS runs, sum(j.elapsed) AS elapsed, sum(j.num_hosts) AS num_hosts,
    sum(j.num_hosts * jt.time_taken_manually_execute_minutes * 50.00) AS manual_costs,
    sum((jt.time_taken_create_automation_minutes * 50.00) + (j.elapsed * 20.00 / 60)) AS automated_costs,
    sum((j.num_hosts * jt.time_taken_manually_execute_minutes * 50.00)
        - ((jt.time_taken_create_automation_minutes * 50.00) + (j.elapsed * 20.00 / 60))) AS savings
"""
_UNIQUE_HOSTS = (
    "SELECT count(DISTINCT s.host_id) FROM clusters_jobhostsummary s JOIN clusters_job j ON s.job_id = j.id "
    f"WHERE {_POPULATION}"
)
_CHART = (
    "WITH buckets AS (SELECT generate_series(date_trunc(%(granularity)s, %(first)s::timestamp), %(last)s::timestamp, "
    "('1 ' || %(granularity)s)::interval) AS date_bucket), counts AS (SELECT date_trunc(%(granularity)s, j.finished) "
    f"AS date_bucket, count(*) AS job_count, sum(j.num_hosts) AS host_count FROM clusters_job j WHERE {_POPULATION} "
    "GROUP BY 1) SELECT b.date_bucket, COALESCE(c.{column}, 0) FROM buckets b LEFT JOIN counts c "
    "ON b.date_bucket = c.date_bucket ORDER BY 1"
)
CORE = {
    "savings_by_template": f"SELECT jt.name, jt.id, {_MONEY} FROM clusters_job j "
    f"JOIN clusters_jobtemplate jt ON j.job_template_id = jt.id WHERE {_POPULATION} GROUP BY jt.id, jt.name "
    "ORDER BY savings DESC",
    "totals": f"SELECT {_MONEY}, ({_UNIQUE_HOSTS}) AS unique_hosts FROM clusters_job j "
    f"JOIN clusters_jobtemplate jt ON j.job_template_id = jt.id WHERE {_POPULATION}",
    "jobs_chart": _CHART.format(column="job_count"),
    "hosts_chart": _CHART.format(column="host_count"),
    "top_users": "SELECT u.name, count(*) FROM clusters_job j JOIN clusters_aapuser u ON j.launched_by_id = u.id "
    f"WHERE {_POPULATION} GROUP BY u.id, u.name ORDER BY 2 DESC LIMIT 5",
    "top_projects": "SELECT p.name, count(*) FROM clusters_job j JOIN clusters_project p ON j.project_id = p.id "
    f"WHERE {_POPULATION} GROUP BY p.id, p.name ORDER BY 2 DESC LIMIT 5",
}
"""The six questions by the queries of the specification, and two of their kind that it lacks (users, projects)."""

CONTROL = {
    "marts": "SELECT runs, round(savings, 2), unique_hosts FROM marts.totals(%(first)s, %(last)s)",
    "core": "SELECT runs, round(savings, 2), unique_hosts FROM ({totals}) t",
}
"""Two that must agree, or the comparison is of different things."""

"""The formula's settings against numbers worked out by hand."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aap_pipeline.controller.probe import job_url
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import sql_folder
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.marts.dataset import add_cluster, add_job, add_named

_JANUARY = "'2025-01-01', '2025-01-31'"


@pytest.fixture(autouse=True)
def january(connection: Connection) -> None:
    """A template of 30 minutes by hand and 120 to create, at 50 and 20 a minute: in check mode on three hosts for 15
    minutes, then on two for 10, then, of another project, failed on one after 5; in February on ten, in no time."""
    cluster = add_cluster(connection, "a")
    template = add_named(
        connection,
        "clusters_jobtemplate",
        cluster,
        1,
        time_taken_manually_execute_minutes=30,
        time_taken_create_automation_minutes=120,
    )
    project = add_named(connection, "clusters_project", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, number) for number in range(10)]
    for number, (finished, job_type, status, count, elapsed) in enumerate(
        (
            (datetime(2025, 1, 3, tzinfo=UTC), "check", "successful", 3, 900),
            (datetime(2025, 1, 5, tzinfo=UTC), "run", "successful", 2, 600),
            (datetime(2025, 1, 10, tzinfo=UTC), "run", "failed", 1, 300),
            (datetime(2025, 2, 1, tzinfo=UTC), "run", "successful", 10, 0),
        )
    ):
        add_job(
            connection,
            cluster,
            number,
            finished,
            job_type=job_type,
            status=status,
            elapsed=elapsed,
            job_template_id=template,
            project_id=project if status == "failed" else None,
            hosts=hosts[:count],
        )
    connection.execute("SELECT marts.set_rate('hourly', 60), marts.set_rate('subscription', 1800)")
    refresh(connection)


@pytest.mark.parametrize(
    ("settings", "manual", "creation", "run"),
    [
        ({}, 6 * 30 * 50, 3 * 120 * 50, 30 * 20),
        ({"enable_template_creation_time": "false"}, 9000, 0, 600),
        ({"creation_cost_basis": "once"}, 9000, 6000, 600),
        ({"savings_population": "successful_only"}, 7500, 12000, 500),
        ({"count_check_mode": "false"}, 4500, 12000, 300),
        ({"cost_model": "subscription"}, 180, 360, 1800),
        ({"creation_cost_basis": "once", "count_check_mode": "false"}, 4500, 6000, 300),
        (
            {"creation_cost_basis": "once", "count_check_mode": "false", "savings_population": "successful_only"},
            3000,
            6000,
            200,
        ),
        ({"cost_model": "subscription", "savings_population": "successful_only"}, 150, 240, 1800),
        ({"cost_model": "subscription", "enable_template_creation_time": "false"}, 180, 0, 1800),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_each_setting_does_what_it_says(
    connection: Connection, settings: dict[str, str], manual: int, creation: int, run: int
) -> None:
    """Guards against a setting that the figures do not follow, or that formula_comparison shows otherwise."""
    for name, value in settings.items():
        application_settings.write(connection, name, value)
    refresh(connection)
    measures = "manual_costs, creation_costs, run_costs, automated_costs, savings"
    found = connection.execute(f"SELECT {measures} FROM marts.totals({_JANUARY})".encode()).fetchone()
    assert found == (manual, creation, run, creation + run, manual - creation - run)
    compared = connection.execute(
        f"SELECT manual_costs, automated_costs, savings FROM marts.formula_comparison({_JANUARY}) "
        "WHERE in_force".encode()
    ).fetchall()
    assert compared == [(manual, creation + run, manual - creation - run)]


def test_time_roi_people_and_failures_are_worked_out_from_the_same_runs(connection: Connection) -> None:
    """Guards against hours taken for seconds, and against a quotient of something else."""
    row = connection.execute(
        f"SELECT time_savings_seconds, time_savings_hours, fte * 1720, round(roi, 9), failed_run_costs "
        f"FROM marts.totals({_JANUARY})".encode()
    ).fetchone()
    saved = (6 * 30 - 3 * 120) * 60 - 1800
    assert row is not None
    assert (row[0], row[1], row[4]) == (saved, Decimal(saved) / 3600, 5 * 20)
    assert abs(row[2] - row[1]) < Decimal("1e-9")
    assert row[3] == round(Decimal(9000 - 18600) / 18600, 9)


def test_a_range_without_days_has_all_in_every_function(connection: Connection) -> None:
    """Guards against a comparison whose row in force lacks the creations that totals have."""
    application_settings.write(connection, "creation_cost_basis", "once")
    refresh(connection)
    compared = connection.execute("SELECT savings FROM marts.formula_comparison(NULL, NULL) WHERE in_force").fetchone()
    assert compared == connection.execute("SELECT savings FROM marts.totals(NULL, NULL)").fetchone()
    assert compared == connection.execute("SELECT sum(savings) FROM marts.savings_daily").fetchone()


def test_savings_cumulate_month_by_month(connection: Connection) -> None:
    """Guards against a cumulated column that holds the total in each month, or that month's alone, and against a month
    without runs that has no row."""
    cluster, template, host = connection.execute(
        "SELECT cluster_id, max(job_template_id), (SELECT min(id) FROM clusters_host) FROM clusters_job GROUP BY 1"
    ).fetchall()[0]
    moment = datetime(2025, 4, 15, tzinfo=UTC)
    add_job(connection, cluster, 5, moment, job_template_id=template, status="successful", elapsed=0, hosts=[host])
    refresh(connection)
    january, february, april = 9000 - 18600, 10 * 30 * 50 - 120 * 50, 30 * 50 - 120 * 50
    expected = [
        (date(2025, 1, 1), january, january),
        (date(2025, 2, 1), february, january + february),
        (date(2025, 3, 1), 0, january + february),
        (date(2025, 4, 1), april, january + february + april),
    ]
    for view in ("template_monthly", "organization_monthly"):
        found = connection.execute(
            f"SELECT month, savings, cumulated_savings FROM marts.{view} ORDER BY month".encode()
        )
        assert found.fetchall() == expected, view


def test_unique_hosts_of_a_day_leave_out_check_mode_where_the_settings_do(connection: Connection) -> None:
    """Guards against key figures that count hosts which only a run in check mode touched."""
    cluster, template, hosts = connection.execute(
        "SELECT cluster_id, max(job_template_id), (SELECT array_agg(id) FROM clusters_host) "
        "FROM clusters_job GROUP BY 1"
    ).fetchall()[0]
    moment = datetime(2025, 1, 5, 1, tzinfo=UTC)
    add_job(connection, cluster, 9, moment, job_type="check", job_template_id=template, hosts=hosts)
    application_settings.write(connection, "count_check_mode", "false")
    refresh(connection)
    found = connection.execute("SELECT unique_hosts, hosts FROM marts.kpi_daily WHERE date = '2025-01-05'").fetchall()
    assert found == [(2, 2)]


def test_no_function_carries_a_planner_setting(connection: Connection) -> None:
    """Guards against settings that put 1e10 into a plan's cost, so that JIT compiles every call for seconds."""
    found = connection.execute(
        "SELECT proname, setting FROM pg_proc, unnest(proconfig) AS setting "
        "WHERE pronamespace IN ('marts'::regnamespace, 'rollup'::regnamespace) AND setting NOT LIKE 'search_path=%'"
    ).fetchall()
    assert found == []


def test_the_formula_is_spelled_out_in_one_place() -> None:
    """Guards against figures that follow a change of the formula one by one: minutes meet a price only there."""
    price = r"\b(person_\w+|run_second\w*|hourly|automated|manual|price\w*)\b"
    places = [
        (path.name, line.strip())
        for path in sorted(sql_folder().rglob("*.sql"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(rf"\* *\w*\.?{price}|{price}(::[\w(), ]+)? *\*", line) and not line.startswith(("--", "COMMENT"))
    ]
    assert {name for name, _ in places} == {"0003_marts_formula.sql"}, places
    assert len(places) == 4, places  # rollup.costs has three; a minute's price becomes an hour's in rollup.price_period


@pytest.mark.parametrize(
    ("version", "prefix", "base", "page"),
    [
        ("AAP 2.4", "/api/v2", "https://a", "https://a/#/jobs/playbook/0/output"),
        ("AWX 24.6.2", "/awx/api/v2", "https://a/awx", "https://a/awx/#/jobs/playbook/0/output"),
        ("AAP 2.6", "/api/controller/v2", "https://a", "https://a/execution/jobs/playbook/0/output"),
    ],
)
def test_a_job_has_the_address_of_its_page(
    connection: Connection, version: str, prefix: str, base: str, page: str
) -> None:
    """Guards against a link to a page that the controller's version does not have; core makes the same ones."""
    connection.execute("UPDATE clusters_cluster SET aap_version = %s, api_prefix = %s", (version, prefix))
    refresh(connection)
    found = connection.execute(
        "SELECT c.url, r.url, t.url LIKE c.url || '/%' FROM marts.fct_job_run r "
        "JOIN marts.dim_cluster c USING (cluster_id) JOIN marts.dim_job_template t USING (job_template_id) "
        "WHERE r.external_id = 0"
    )
    assert found.fetchone() == (base, page, True)
    assert job_url(base, version, 0) == page

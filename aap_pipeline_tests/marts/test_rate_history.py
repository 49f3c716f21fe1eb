"""Rates as they change: money by the current ones and as recorded, by the minute and in a subscription."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.core.conftest import Interrupt, before  # noqa: F401 - fixtures
from aap_pipeline_tests.marts.dataset import add_cluster, add_job, add_named, one


def test_a_change_of_rates_reprices_without_touching_core(connection: Connection) -> None:
    """Guards against history rewritten: current money follows the rate, money as recorded only from its first day."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for number, day in enumerate((9, 10)):
        moment = datetime(2025, 1, day, 12, tzinfo=UTC)
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=0)
    refresh(connection)
    connection.execute("SELECT marts.set_rate('manual', 70, '2025-01-10')")
    result = refresh(connection)
    assert result.repriced_rows > 0
    assert not result.days
    row = connection.execute(
        "SELECT manual_costs, manual_costs_as_recorded FROM marts.totals('2025-01-01', '2025-01-31')"
    ).fetchone()
    assert row == (2 * 60 * 70, 60 * 50 + 60 * 70)
    for view in ("savings_daily", "savings_monthly", "template_monthly", "kpi_daily", "fct_job_run"):
        sums = f"SELECT sum(manual_costs), sum(manual_costs_as_recorded) FROM marts.{view}"
        assert connection.execute(sums.encode()).fetchone() == row, view


def test_a_change_of_rates_leaves_the_rows_of_a_month_side_by_side(connection: Connection) -> None:
    """Guards against money written in the order of a hash, after which each range of days reads most of the table."""
    cluster = add_cluster(connection, "a")
    for number in range(10):
        add_named(connection, "clusters_jobtemplate", cluster, number)
    connection.execute(
        "INSERT INTO clusters_job (cluster_id, external_id, name, status, started, finished, elapsed, num_hosts, "
        "job_template_id) SELECT %s, row_number() OVER (), 'j', 'successful', day, day, 60, 1, id "
        "FROM clusters_jobtemplate, generate_series(timestamptz '2025-01-01 12:00Z', '2025-12-31 12:00Z', '1 day') day",
        [cluster],
    )
    connection.execute("INSERT INTO pipeline.changed_day (cluster_id) VALUES (%s)", [cluster])
    refresh(connection)
    connection.execute("ANALYZE marts.savings_daily")
    pages = (
        "SELECT count(DISTINCT (ctid::text::point)[0]) FROM marts.savings_daily "
        "WHERE date BETWEEN '2025-05-01' AND '2025-05-31'"
    )
    pages_before = one(connection, pages)
    connection.execute("SELECT marts.set_rate('manual', 70, '2024-01-01')")
    assert refresh(connection).repriced_rows == 10 * 365
    assert one(connection, pages) <= pages_before + 2


def test_a_rate_for_a_day_to_come_holds_from_that_day(connection: Connection) -> None:
    """Guards against a future rate that prices today's runs."""
    connection.execute("SELECT marts.set_rate('manual', 99, marts.today() + 1)")
    refresh(connection)
    assert one(connection, "SELECT value FROM clusters_costs WHERE type = 'manual'") == 50
    connection.execute("SELECT marts.set_rate('manual', 98, marts.today())")
    add_cluster(connection, "a")
    refresh(connection)
    assert one(connection, "SELECT value FROM clusters_costs WHERE type = 'manual'") == 98


def test_subscription_spreads_the_price_over_the_months_run_time(connection: Connection) -> None:
    """Guards against a platform that costs more or less than its price: a month's run costs add up to it."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for number in range(7):
        moment = datetime(2025, 1, 3, tzinfo=UTC) + timedelta(days=4 * number)
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=Decimal(number) + 1)
    refresh(connection)
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('cost_model', 'subscription')")
    connection.execute("SELECT marts.set_rate('subscription', 9000), marts.set_rate('hourly', 60)")
    refresh(connection)
    row = connection.execute("SELECT run_costs, manual_costs FROM marts.totals('2025-01-01', '2025-01-31')").fetchone()
    assert row is not None
    assert abs(row[0] - 9000) < Decimal("1e-9")
    assert row[1] == 7 * 60
    parts = [
        one(connection, "SELECT run_costs FROM marts.totals(%s, %s)", first, last)
        for first, last in ((date(2025, 1, 1), date(2025, 1, 9)), (date(2025, 1, 10), date(2025, 1, 31)))
    ]
    assert abs(sum(parts) - 9000) < Decimal("1e-9")


def test_a_subscription_keeps_what_people_and_platform_cost_when_the_runs_were(connection: Connection) -> None:
    """Guards against money as recorded that follows today's price or hourly rate, in any view or function.

    Jobs of 1 and 3 s on one host each, 30 minutes by hand and 60 to create, then one of 4 s in February."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1, time_taken_manually_execute_minutes=30)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    for number, (month, day, seconds) in enumerate(((1, 9, 1), (1, 10, 3), (2, 5, 4))):
        moment = datetime(2025, month, day, 12, tzinfo=UTC)
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=seconds)
    refresh(connection)
    for setting in (("cost_model", "subscription"), ("creation_cost_basis", "once")):
        connection.execute("INSERT INTO common_settings (type, value) VALUES (%s, %s)", setting)
    for rate in (
        ("hourly", 60, None),
        ("hourly", 90, date(2025, 1, 10)),
        ("hourly", 120, date(2025, 2, 1)),
        ("subscription", 40, None),
        ("subscription", 50, date(2025, 1, 2)),  # agreed within January: from February on
        ("subscription", 80, date(2025, 3, 1)),
    ):
        connection.execute("SELECT marts.set_rate(%s, %s, %s)", rate)
    refresh(connection)
    now = (3 * 30 * 2, 60 * 2, 80 + 80)
    recorded = (30 * 1 + 30 * Decimal("1.5") + 30 * 2, 60 * 1, 40 + 50)
    measures = ("manual_costs", "creation_costs", "run_costs", "automated_costs", "savings")
    for suffix, (manual, creation, run) in (("", now), ("_as_recorded", recorded)):
        expected = dict(zip(measures, (manual, creation, run, creation + run, manual - creation - run), strict=True))
        for relation in (
            "totals('2025-01-01', '2025-02-28')",
            "savings_by_template('2025-01-01', '2025-02-28')",
            "top_projects('2025-01-01', '2025-02-28')",
            "savings_daily",
            "savings_monthly",
            "template_monthly",
            "kpi_daily",
            "fct_job_run",
        ):
            cursor = connection.execute(f"SELECT * FROM marts.{relation}".encode())
            names = [column.name for column in cursor.description or ()]
            found = cursor.fetchall()
            for measure in measures:
                if f"{measure}{suffix}" in names and found:
                    position = names.index(f"{measure}{suffix}")
                    assert sum(row[position] for row in found) == expected[measure], (relation, measure, suffix)
        figures = f"SELECT creation_costs{suffix}, cumulated_savings{suffix} FROM marts.payback"
        assert connection.execute(figures.encode()).fetchone() == (creation, manual - creation - run)


def test_a_change_of_the_cost_model_leaves_money_as_recorded_whole_until_it_is_recorded_anew(
    connection: Connection,
) -> None:
    """Guards against figures half by one model and half by the other, between a setting and the next refresh."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    day = datetime(2025, 1, 9, 12, tzinfo=UTC)
    add_job(connection, cluster, 1, day, job_template_id=template, hosts=hosts, elapsed=60)
    connection.execute("SELECT marts.set_rate('hourly', 90), marts.set_rate('subscription', 40)")
    refresh(connection)
    by_minute, by_month = (60 * 50, 60 * 50, 20), (90, 90, 40)

    def recorded() -> set[tuple[Decimal, ...]]:
        columns = ", ".join(f"{part}_costs_as_recorded" for part in ("manual", "creation", "run"))
        return {
            row
            for relation in ("totals('2025-01-01', '2025-01-31')", "savings_daily", "savings_monthly")
            for row in connection.execute(f"SELECT {columns} FROM marts.{relation}".encode())
        }

    for basis in ("once", "per_run"):
        for model, old, new in (("subscription", by_minute, by_month), ("per_minute", by_month, by_minute)):
            for name, value in (("creation_cost_basis", basis), ("cost_model", model)):
                application_settings.write(connection, name, value)
            assert recorded() == {old}
            assert refresh(connection).repriced_rows > 0
            assert recorded() == {new}


@pytest.mark.parametrize("step", ["marts/take_changed_rates", "marts/load_jobs", "marts/write_days"])
def test_a_cost_model_that_changes_during_a_refresh_is_in_the_next_at_the_latest(
    connection: Connection,
    database_url: str,
    before: Interrupt,  # noqa: F811
    step: str,
) -> None:
    """Guards against the note of a change that is taken by a refresh which had built by the model before it."""
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    hosts = [add_named(connection, "clusters_host", cluster, 1)]
    moment = datetime(2025, 1, 9, 12, tzinfo=UTC)
    add_job(connection, cluster, 1, moment, job_template_id=template, hosts=hosts, elapsed=60)
    connection.execute("SELECT marts.set_rate('hourly', 90), marts.set_rate('subscription', 40)")
    connection.commit()

    def subscribe() -> None:
        with connect(database_url, autocommit=True) as other:
            application_settings.write(other, "cost_model", "subscription")

    before(step, subscribe)
    refresh(connection)
    refresh(connection)
    recorded = "SELECT manual_costs_as_recorded, run_costs_as_recorded FROM marts.totals('2025-01-01', '2025-01-31')"
    assert connection.execute(recorded).fetchone() == (90, 40)

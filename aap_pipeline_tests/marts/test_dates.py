"""Days of the reporting time zone, also those that begin twice, or without a midnight; and the dimension of days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from aap_pipeline.database.connection import Connection
from aap_pipeline.marts.asset_checks import differences
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.marts.dataset import DAYS, START, add_cluster, add_job, add_named, generate
from aap_pipeline_tests.marts.oracle import Oracle
from aap_pipeline_tests.marts.test_oracle import snapshot


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", "2024-03-31"),
        ("Europe/Berlin", "2024-10-27"),
        ("America/New_York", "2024-11-03"),
        ("Atlantic/Azores", "2024-03-31"),
        ("Atlantic/Azores", "2024-10-27"),
        ("America/Havana", "2024-11-03"),
        ("America/Nuuk", "2024-03-31"),
        ("America/Santiago", "2024-09-08"),
        ("Australia/Lord_Howe", "2025-04-06"),
    ],
)
def test_no_run_falls_out_of_its_day_when_clocks_change(connection: Connection, zone: str, change: str) -> None:
    """Guards against a midnight that PostgreSQL takes for its second occurrence, when clocks go back past it: the day's
    first hour belonged to no day that was built."""
    connection.execute("INSERT INTO common_settings (type, value) VALUES ('reporting_timezone', %s)", (zone,))
    cluster = add_cluster(connection, "a")
    template = add_named(connection, "clusters_jobtemplate", cluster, 1)
    middle = datetime.combine(date.fromisoformat(change), datetime.min.time(), UTC)
    for number in range(-36, 60):
        hosts = [add_named(connection, "clusters_host", cluster, number)]
        moment = middle + timedelta(minutes=30 * number + 15)
        add_job(connection, cluster, number, moment, job_template_id=template, hosts=hosts, elapsed=number + 100)
    refresh(connection)
    assert differences(connection) == {}
    oracle = Oracle(connection)
    days = [middle.date() + timedelta(days=offset) for offset in (-1, 0, 1)]
    for granularity in ("hour", "day"):
        charted = connection.execute(
            "SELECT date_bucket, job_count, host_count FROM marts.job_counts(%s, %s, %s)",
            (days[0], days[-1], granularity),
        ).fetchall()
        chosen = oracle.chosen(days[0], days[-1], {})
        assert charted == oracle.chart(days[0], days[-1], granularity, chosen)
    for day in days:
        found = connection.execute("SELECT runs, unique_hosts FROM marts.totals(%s, %s)", (day, day)).fetchone()
        expected = oracle.totals(oracle.chosen(day, day, {}))
        assert found == (expected["runs"], expected["unique_hosts"])
    before = snapshot(connection)
    refresh(connection, everything=True)
    assert snapshot(connection) == before


def test_a_gap_that_two_clusters_left_between_their_days_is_filled(connection: Connection) -> None:
    """Guards against a cluster whose savings can never be built: two first syncs at once, one of last year's jobs and
    one of this month's, leave a gap between them, for neither sees what the other has not committed."""
    month = timedelta(days=31)
    for day in (START.date() - 2 * month, START.date() + timedelta(days=DAYS) + 2 * month):
        connection.execute("SELECT rollup.fill_dates(%s, %s)", (day, day + month))
    generate(connection, seed=1)
    refresh(connection)
    row = connection.execute("SELECT count(*), max(date) - min(date) + 1 FROM marts.dim_date").fetchone()
    assert row is not None
    assert row[0] == row[1] > DAYS


@pytest.mark.parametrize("kind", ["organizations", "job_templates", "projects"])
def test_hours_add_up_to_their_days_for_what_has_none_of_a_kind(connection: Connection, kind: str) -> None:
    """Guards against hours, which are read from core, that know no 0, the marts' key for none."""
    generate(connection, 7, jobs=40)
    refresh(connection)
    counted = f"SELECT sum(job_count) FROM marts.job_counts('2024-11-01', '2024-11-30', %s, {kind} := '{{0}}')"
    hours, days = (connection.execute(counted.encode(), (step,)).fetchone() for step in ("hour", "day"))
    assert hours is not None
    assert hours == days != (0,)


def test_a_chart_without_end_is_refused(connection: Connection) -> None:
    """Guards against a query of a BI tool that never ends."""
    for days in ("'-infinity', '2025-01-31'", "'2025-01-01', 'infinity'"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="has no end: give two days"):
            connection.execute(f"SELECT * FROM marts.job_counts({days}, 'month')".encode())
        connection.rollback()


def test_every_range_over_a_month_and_its_edges_holds_its_days(connection: Connection) -> None:
    """Guards against an edge between months and days that counts a day twice or not at all: one run and one
    host a day, so that each question's answer is the number of days."""
    cluster = add_cluster(connection, "a")
    user, label, template = (
        add_named(connection, table, cluster, 1)
        for table in ("clusters_aapuser", "clusters_label", "clusters_jobtemplate")
    )
    first = datetime(2025, 1, 28, 12, tzinfo=UTC)
    for number in range(36):
        hosts = [add_named(connection, "clusters_host", cluster, number)]
        columns = {"hosts": hosts, "labels": [label], "launched_by_id": user, "job_template_id": template}
        add_job(connection, cluster, number, first + timedelta(days=number), **columns)
    refresh(connection)
    for filters in ("", f", labels := ARRAY[{label}]"):
        wrong = connection.execute(
            f"""
            SELECT first::date, last::date, found.*
            FROM generate_series(date '2025-01-28', date '2025-03-04', interval '1 day') AS first,
                generate_series(first, date '2025-03-04', interval '1 day') AS last,
                LATERAL (SELECT
                    (SELECT runs FROM marts.totals(first::date, last::date{filters})) AS totals,
                    (SELECT sum(runs) FROM marts.savings_by_template(first::date, last::date{filters})) AS templates,
                    (SELECT sum(runs) FROM marts.top_users(first::date, last::date, 5{filters})) AS users,
                    marts.unique_hosts(first::date, last::date{filters}) AS hosts,
                    (SELECT sum(job_count) FROM marts.job_counts(first::date, last::date, 'month'{filters})) AS months,
                    (SELECT max(runs) FROM marts.formula_comparison(first::date, last::date{filters})) AS compared
                ) found
            WHERE (totals, templates, users, hosts, months, compared) IS DISTINCT FROM
                (last::date - first::date + 1, last::date - first::date + 1, last::date - first::date + 1,
                 last::date - first::date + 1, last::date - first::date + 1, last::date - first::date + 1)
            LIMIT 3
            """.encode()
        ).fetchall()
        assert wrong == []


@pytest.mark.parametrize(
    ("name", "start", "first", "last"),
    [
        ("today", 1, "2025-03-31", "2025-03-31"),
        ("yesterday", 1, "2025-03-30", "2025-03-30"),
        ("last_7_days", 1, "2025-03-25", "2025-03-31"),
        ("this_week", 1, "2025-03-31", "2025-03-31"),
        ("last_week", 1, "2025-03-24", "2025-03-30"),
        ("this_month", 1, "2025-03-01", "2025-03-31"),
        ("last_month", 1, "2025-02-01", "2025-02-28"),
        ("last_quarter", 1, "2024-10-01", "2024-12-31"),
        ("this_quarter", 2, "2025-02-01", "2025-03-31"),
        ("last_quarter", 2, "2024-11-01", "2025-01-31"),
        ("this_year", 10, "2024-10-01", "2025-03-31"),
        ("last_year", 10, "2023-10-01", "2024-09-30"),
        ("last_year", 4, "2023-04-01", "2024-03-31"),
    ],
)
def test_a_named_period_has_its_days(connection: Connection, name: str, start: int, first: str, last: str) -> None:
    """Guards against quarters of the calendar where the fiscal year begins in another month."""
    connection.execute(
        "INSERT INTO common_settings (type, value) VALUES ('fiscal_year_start_month', %s)", (str(start),)
    )
    connection.execute("CREATE OR REPLACE FUNCTION marts.today() RETURNS DATE STABLE RETURN DATE '2025-03-31'")
    found = connection.execute("SELECT * FROM marts.period(%s)", (name,)).fetchone()
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize("name", ["last_fortnight", "last_0_days", "this_day", "quarter", ""])
def test_an_unknown_period_is_refused_by_name(connection: Connection, name: str) -> None:
    """Guards against a typing error that gives the figures of another range."""
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=f'Period cannot be "{name}"'):
        connection.execute("SELECT * FROM marts.period(%s)", (name,))

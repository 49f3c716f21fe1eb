"""Ranges by name, the days to compare with, and filters by name."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import BadInput
from aap_pipeline.marts.refresh import refresh
from aap_pipeline.reports.question import Question, days_of, ids_of, period_before
from aap_pipeline_tests.marts.dataset import add_cluster, one


@pytest.mark.parametrize(
    ("first", "last", "period", "before"),
    [
        ("2026-01-01", "2026-03-31", None, ("2025-10-01", "2025-12-31")),
        ("2024-02-01", "2024-02-29", "last-month", ("2024-01-01", "2024-01-31")),
        ("2026-03-01", "2026-03-31", "month-to-date", ("2026-02-01", "2026-02-28")),
        ("2026-03-01", "2026-03-30", "month-to-date", ("2026-02-01", "2026-02-28")),
        ("2026-10-01", "2026-11-30", "quarter-to-date", ("2026-07-01", "2026-08-31")),
        ("2026-01-01", "2026-11-30", "this-fiscal-year", ("2025-01-01", "2025-11-30")),
        ("2024-01-01", "2024-02-29", "year-to-date", ("2023-01-01", "2023-02-28")),
        ("2026-10-01", "2026-11-29", "quarter-to-date", ("2026-07-01", "2026-08-29")),
        ("2026-04-01", "2026-06-10", "this-fiscal-year", ("2025-04-01", "2025-06-10")),
        ("2026-06-08", "2026-06-10", "week-to-date", ("2026-06-01", "2026-06-03")),
        ("2026-05-02", "2026-05-31", "last-30-days", ("2026-04-02", "2026-05-01")),
        ("2026-11-01", "2026-11-30", "last-30-days", ("2026-10-02", "2026-10-31")),
        ("0001-01-01", "2026-11-30", None, ("0001-01-01", "0001-01-01")),
        ("2026-01-01", "9999-12-31", None, ("0001-01-01", "0001-01-01")),
        ("2026-05-31", "2026-05-31", "today", ("2026-05-30", "2026-05-30")),
    ],
)
def test_the_period_before(first: str, last: str, period: str | None, before: tuple[str, str]) -> None:
    """Guards against a quarter that is compared with 92 days from the middle of another."""
    found = period_before(date.fromisoformat(first), date.fromisoformat(last), period)
    assert tuple(map(str, found)) == before


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 800), st.sampled_from([None, "this_month"]))
def test_the_period_before_ends_before_the_first_day(first: date, days: int, period: str | None) -> None:
    """Guards against a run that counts in both."""
    last = first + timedelta(days)
    before_from, before_to = period_before(first, last, period if days < 28 and first.day == 1 else None)
    assert before_from <= before_to < first


def test_ranges_by_name(connection: Connection) -> None:
    """Guards against a spelling of the command line that marts.period does not take."""
    today = connection.execute("SELECT marts.today()").fetchall()[0][0]
    assert days_of(connection, "month-to-date") == days_of(connection, "this_month") == (today.replace(day=1), today)
    assert days_of(connection, "this-fiscal-year") == (today.replace(month=1, day=1), today)
    assert days_of(connection, "last-30-days") == (today - timedelta(29), today)
    with pytest.raises(BadInput, match=r"'next-week' is not a valid range\. Use today"):
        days_of(connection, "next-week")


def test_names_become_ids(connection: Connection) -> None:
    """Guards against a name that silently counts another cluster's organization too, and one that is guessed."""
    clusters = {name: add_cluster(connection, name) for name in ("east", "west")}
    for number, (cluster, name) in enumerate([("east", "Default"), ("west", "Default"), ("west", "Security")]):
        connection.execute(
            "INSERT INTO clusters_organization (cluster_id, external_id, name) VALUES (%s, %s, %s)",
            [clusters[cluster], number, name],
        )
    refresh(connection)

    def organization(name: str, cluster: str) -> int:
        query = "SELECT id FROM clusters_organization WHERE name = %s AND cluster_id = %s"
        return int(one(connection, query, name, clusters[cluster]))

    def found(**names: tuple[str, ...]) -> list[int] | None:
        return ids_of(connection, Question(**names))["organizations"]  # type: ignore[arg-type]

    assert found() is None
    assert found(organizations=("security",)) == [organization("Security", "west")]
    assert found(organizations=("Default (east)",)) == [organization("Default", "east")]
    assert found(organizations=("Default",), clusters=("west",)) == [organization("Default", "west")]
    both = sorted(organization("Default", cluster) for cluster in clusters)
    assert found(organizations=("Default",), clusters=("west", "east")) == both
    with pytest.raises(BadInput, match=r"ambiguous: 'Default \(east\)', 'Default \(west\)'\. Use one of these"):
        found(organizations=("Default",))
    connection.execute("UPDATE marts.dim_organization SET organization = name WHERE organization = 'Default (east)'")
    with pytest.raises(BadInput, match="The organization name 'Default' is ambiguous"):  # until the next refresh
        found(organizations=("Default",))
    with pytest.raises(BadInput, match=r"There is no organization 'Secruity'\. Similar names: 'Security'\."):
        found(organizations=("Secruity",))
    with pytest.raises(BadInput, match=r"'xyz'\. To list .* \"TABLE marts.dim_organization"):
        found(organizations=("xyz",))

"""Who sees what, proved by logging in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from aap_pipeline.marts.refresh import refresh
from aap_pipeline.warehouse.connection import Connection, connect
from aap_pipeline.warehouse.statements import sql_folder
from aap_pipeline_tests.integration.marts.dataset import Dataset, generate

_EVERYTHING = "'2000-01-01', '2100-01-01'"
_WITH_ORGANIZATIONS = (
    "savings_daily",
    "savings_monthly",
    "organization_monthly",
    "launches",
    "fct_job_run",
    "workload",
    "series",
    "series_price",
    "activity_daily",
    "launcher_to_date",
    "organization_host_set_daily",
    "organization_host_set_monthly",
    "dim_organization",
    "rate_period",
    "counted_job",
)

_WITH_KEYS = {
    "run_daily": "series",
    "run_monthly": "series",
    "launches_daily": "series",
    "first_run": "series",
    "workload_to_date": "workload",
    "launches_pentad": "workload",
    "launches_monthly": "workload",
    "host_set_daily": "workload",
    "host_set_pentad": "workload",
    "host_set_monthly": "workload",
}


@pytest.fixture
def dataset(connection: Connection) -> Dataset:
    """A committed data set with several organizations."""
    found = generate(connection, 7, jobs=40)
    refresh(connection)
    connection.commit()
    assert len(found.organizations) > 1
    return found


@pytest.fixture
def login(connection: Connection, database_url: str) -> Iterator[Any]:
    """Makes a login role in bi_reader that sees the given organizations (None: is not listed), and logs in as it."""
    opened: list[Connection] = []
    roles: list[str] = []

    def make(name: str, organizations: list[int] | None) -> Connection:
        role = f"{name}_{urlsplit(database_url).path[1:]}"
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret' IN ROLE bi_reader".encode())
        for organization in organizations or []:
            connection.execute("INSERT INTO marts.bi_access VALUES (%s, %s)", (role, organization))
        connection.commit()
        roles.append(role)
        parts = urlsplit(database_url)
        url = urlunsplit(parts._replace(netloc=f"{role}:secret@{parts.hostname}:{parts.port}"))
        opened.append(connect(url, autocommit=True))
        return opened[-1]

    yield make
    for reader in opened:
        reader.close()
    connection.rollback()
    for role in roles:
        connection.execute(f"DROP ROLE {role}".encode())
    connection.commit()


def rows(reader: Connection, query: str) -> list[tuple[Any, ...]]:
    """All rows."""
    return reader.execute(query.encode()).fetchall()


def test_a_reader_who_is_not_listed_sees_what_the_owner_sees(
    connection: Connection, dataset: Dataset, login: Any
) -> None:
    """Guards against policies that take rows from everyone."""
    reader = login("everything", None)
    for query in (
        f"SELECT * FROM marts.totals({_EVERYTHING})",
        f"SELECT * FROM marts.savings_by_template({_EVERYTHING})",
    ):
        assert rows(reader, query) == rows(connection, query)
    relations = [
        name
        for (name,) in rows(
            connection,
            "SELECT relname FROM pg_class WHERE relnamespace = 'marts'::regnamespace "
            "AND relkind IN ('r', 'v') AND relname <> 'bi_access' ORDER BY 1",
        )
    ]
    for relation in relations:
        count = f"SELECT count(*) FROM marts.{relation}"
        assert rows(reader, count) == rows(connection, count), relation


def test_a_listed_reader_sees_its_organizations_everywhere(
    connection: Connection, dataset: Dataset, login: Any
) -> None:
    """Guards against a table, view or function that forgets the reader: the figures are those of an explicit filter."""
    mine = dataset.organizations[0]
    reader = login("one", [mine])
    for function in ("totals", "savings_by_template", "top_users", "top_projects", "unique_hosts", "job_counts"):
        arguments = "'2025-01-01', '2025-02-28'"
        filtered = rows(connection, f"SELECT * FROM marts.{function}({arguments}, organizations := ARRAY[{mine}])")
        assert rows(reader, f"SELECT * FROM marts.{function}({arguments})") == filtered, function
    hourly = "marts.job_counts('2025-01-05', '2025-01-07', 'hour'"
    assert rows(reader, f"SELECT * FROM {hourly})") == rows(
        connection, f"SELECT * FROM {hourly}, organizations := ARRAY[{mine}])"
    )
    for relation in _WITH_ORGANIZATIONS:
        seen = {row[0] for row in rows(reader, f"SELECT DISTINCT organization_id FROM marts.{relation}")}
        assert seen <= {mine}, relation
    for relation, dimension in _WITH_KEYS.items():
        expected = rows(
            connection,
            f"SELECT count(*) FROM marts.{relation} JOIN marts.{dimension} USING ({dimension}_id) "
            f"WHERE organization_id = {mine}",
        )
        assert rows(reader, f"SELECT count(*) FROM marts.{relation}") == expected
    hosts = rows(reader, "SELECT count(*) FROM marts.dim_host")
    assert hosts == rows(reader, f"SELECT marts.unique_hosts({_EVERYTHING})")
    assert len(rows(reader, "SELECT * FROM marts.freshness")) == 1
    assert {row[0] for row in rows(reader, "SELECT DISTINCT organization FROM marts.bi_access")} == {mine}


def test_a_group_that_is_listed_restricts_its_members(connection: Connection, dataset: Dataset, login: Any) -> None:
    """Guards against a restriction that a personal login escapes."""
    group, mine = "finance_group", dataset.organizations[1]
    connection.execute(f"CREATE ROLE {group} IN ROLE bi_reader".encode())
    connection.execute("INSERT INTO marts.bi_access VALUES (%s, %s)", (group, mine))
    reader = login("member", None)
    member = rows(reader, "SELECT current_user")[0][0]
    connection.execute(f"GRANT {group} TO {member}".encode())
    connection.commit()
    assert {row[0] for row in rows(reader, "SELECT DISTINCT organization_id FROM marts.savings_daily")} <= {mine}
    connection.execute(f"DROP ROLE {group}".encode())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.clusters_job",
        "SELECT access_token FROM public.clusters_cluster",
        "SELECT * FROM pipeline.sync_run",
        "DELETE FROM marts.run_daily",
        "INSERT INTO marts.bi_access VALUES ('x', 1)",
        "SELECT marts.set_rate('manual', 1, '2025-01-01')",
        "SELECT marts.read_formula()",
    ],
)
def test_a_reader_reads_the_marts_and_nothing_else(dataset: Dataset, login: Any, statement: str) -> None:
    """Guards against a grant too many."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(login("curious", None), statement)


@pytest.mark.parametrize("path", sorted((sql_folder().parent / "bi").glob("*.sql")), ids=lambda path: path.stem)
def test_a_reader_can_run_the_query_of_each_picture(dataset: Dataset, login: Any, path: Path) -> None:
    """Guards against a query in bi/ that no longer runs, or needs more than bi_reader has."""
    assert rows(login("painter", None), path.read_text(encoding="utf-8"))

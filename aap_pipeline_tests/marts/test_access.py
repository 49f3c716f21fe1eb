"""Who sees what, proved by logging in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.marts.refresh import refresh
from aap_pipeline_tests.cli.conftest import Cli, cli, run  # noqa: F401 - fixtures
from aap_pipeline_tests.marts.dataset import START, Dataset, add_cluster, add_job, add_named, generate, one

_EVERYTHING = "'2000-01-01', '2100-01-01'"
_WITH_ORGANIZATIONS = (
    "savings_daily",
    "savings_monthly",
    "organization_monthly",
    "launches",
    "fct_job_run",
    "host_monthly",
    "dim_organization",
    "rate_period",
)
_ROLLUPS = ("launches_monthly", "host_set_daily", "host_set_monthly", "first_run")


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


@pytest.mark.parametrize("none", [False, True])
def test_a_listed_reader_sees_its_organizations_everywhere(
    connection: Connection, dataset: Dataset, login: Any, none: bool
) -> None:
    """Guards against a table, view or function that forgets the reader: the figures are those of an explicit filter.
    Organization 0, which stands for none, is one as any other."""
    mine = 0 if none else dataset.organizations[0]
    reader = login("one", [mine])
    for function in ("totals", "savings_by_template", "top_users", "top_projects", "unique_hosts", "job_counts"):
        arguments = "'2024-11-01', '2024-12-31'"
        filtered = rows(connection, f"SELECT * FROM marts.{function}({arguments}, organizations := ARRAY[{mine}])")
        assert rows(reader, f"SELECT * FROM marts.{function}({arguments})") == filtered, function
    hourly = "marts.job_counts('2024-11-05', '2024-11-12', 'hour'"
    assert rows(reader, f"SELECT * FROM {hourly})") == rows(
        connection, f"SELECT * FROM {hourly}, organizations := ARRAY[{mine}])"
    )
    for relation in _WITH_ORGANIZATIONS:
        seen = {row[0] for row in rows(reader, f"SELECT DISTINCT organization_id FROM marts.{relation}")}
        assert seen == {mine}, relation
    for relation in _ROLLUPS:
        count = f"SELECT count(*) FROM rollup.{relation}"
        assert rows(reader, count) == rows(connection, f"{count} WHERE organization_id = {mine}"), relation
    hosts = rows(reader, "SELECT count(*) FROM marts.dim_host")
    assert hosts == rows(reader, f"SELECT marts.unique_hosts({_EVERYTHING})")
    assert len(rows(reader, "SELECT * FROM marts.freshness")) == (not none)
    assert {row[0] for row in rows(reader, "SELECT DISTINCT organization FROM marts.bi_access")} == {mine}


@pytest.mark.parametrize(
    ("basis", "model"), [("once", "per_minute"), ("per_run", "subscription"), ("once", "subscription")]
)
def test_a_listed_readers_money_obeys_every_formula_as_a_filter_does(
    connection: Connection, dataset: Dataset, login: Any, basis: str, model: str
) -> None:
    """Guards against a share or a first run that a reader takes from what it sees instead of from the whole."""
    for setting in (("creation_cost_basis", basis), ("cost_model", model)):
        connection.execute("INSERT INTO common_settings (type, value) VALUES (%s, %s)", setting)
    for rate in (("hourly", 60, None), ("hourly", 75, "2024-11-20"), ("subscription", 9000, "2024-12-01")):
        connection.execute("SELECT marts.set_rate(%s, %s, %s)", rate)
    refresh(connection)
    for number, organization in enumerate(dataset.organizations):
        reader = login(f"reader{number}", [organization])
        for function in ("totals", "savings_by_template", "top_projects", "formula_comparison"):
            filtered = f"SELECT * FROM marts.{function}({_EVERYTHING}, organizations := ARRAY[{organization}])"
            assert rows(reader, f"SELECT * FROM marts.{function}({_EVERYTHING})") == rows(connection, filtered)
        for relation in ("savings_daily", "savings_monthly", "fct_job_run"):
            whole = (
                "SELECT sum(creation_costs), round(sum(automated_costs), 9), "
                f"round(sum(automated_costs_as_recorded), 9) FROM marts.{relation}"
            )
            filtered = f"{whole} WHERE organization_id = {organization}"
            assert rows(reader, whole) == rows(connection, filtered), relation


def test_what_others_do_changes_nothing_that_a_listed_reader_reads(
    connection: Connection, dataset: Dataset, login: Any
) -> None:
    """Guards against figures of others that can be told from what a reader sees: a sum, a rate, a name, a bit."""
    mine = dataset.organizations[0]
    cluster = one(connection, "SELECT cluster_id FROM clusters_organization WHERE id = %s", mine)
    reader = login("watcher", [mine])
    before = everything(reader)
    for place in (cluster, add_cluster(connection, "elsewhere")):
        other = add_named(connection, "clusters_organization", place, 900)
        add_job(
            connection,
            place,
            900,
            START + timedelta(days=3, hours=3),
            organization_id=other,
            job_template_id=add_named(connection, "clusters_jobtemplate", place, 900, organization_id=other),
            project_id=add_named(connection, "clusters_project", place, 900),
            launched_by_id=add_named(connection, "clusters_aapuser", place, 900, type="user"),
            labels=[add_named(connection, "clusters_label", place, 900)],
            hosts=[add_named(connection, "clusters_host", place, 900), dataset.hosts[0]],
            elapsed=77,
        )
        connection.execute("SELECT marts.set_rate('manual', 1.23, '2024-11-01', %s, %s)", (place, other))
    connection.execute("SELECT marts.set_rate('automated', 4.56, '2024-11-01', %s)", (place,))
    refresh(connection)
    connection.commit()
    after = everything(reader)
    for name in before:
        assert before[name] == after[name], name


def everything(reader: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All that a reader can read of the marts but the calendar, and ages that grow by themselves."""
    relations = rows(
        reader,
        "SELECT relname FROM pg_class WHERE relnamespace = 'marts'::regnamespace AND relkind IN ('r', 'v') "
        "AND has_table_privilege(oid, 'SELECT') AND relname <> 'dim_date'",
    )
    queries = {name: f"SELECT x::text FROM marts.{name} x ORDER BY 1" for (name,) in relations}
    queries["freshness"] = "SELECT cluster_id, last_sync, newest_job, provisional FROM marts.freshness ORDER BY 1"
    for function in ("totals", "savings_by_template", "top_users", "top_projects", "formula_comparison"):
        queries[function] = f"SELECT x::text FROM marts.{function}({_EVERYTHING}) x"
    for granularity in ("hour", "day", "month"):
        queries[granularity] = f"SELECT x::text FROM marts.job_counts('2024-10-20', '2024-11-10', '{granularity}') x"
    return {name: rows(reader, query) for name, query in queries.items()}


def test_a_listed_login_escapes_neither_by_another_role_nor_by_functions_of_its_own(
    connection: Connection, dataset: Dataset, login: Any
) -> None:
    """Guards against SET ROLE bi_reader, which nobody lists, and against a pg_has_role in a schema of the reader's."""
    mine = dataset.organizations[0]
    reader = login("sly", [mine])
    name = rows(reader, "SELECT current_user")[0][0]
    connection.execute(f"CREATE SCHEMA scratch AUTHORIZATION {name}".encode())
    connection.commit()
    seen = "SELECT DISTINCT organization_id FROM marts.{}"
    relations = ("dim_organization", "fct_job_run", "savings_daily")
    for relation in relations:
        assert len(rows(connection, seen.format(relation))) > 1, relation
    reader.execute("SET ROLE bi_reader")
    for relation in relations:
        assert rows(reader, seen.format(relation)) == [(mine,)], relation
    assert rows(reader, "SELECT DISTINCT organization FROM marts.bi_access") == [(mine,)]
    reader.execute("RESET ROLE")
    for arguments in ("name, oid, text", "oid, oid, text"):
        reader.execute(f"CREATE FUNCTION scratch.pg_has_role({arguments}) RETURNS BOOLEAN RETURN FALSE".encode())
    reader.execute("SET search_path = scratch, pg_catalog")
    for relation in relations:
        assert rows(reader, seen.format(relation)) == [(mine,)], relation
    connection.execute("DROP SCHEMA scratch CASCADE")
    connection.commit()


def test_a_shared_login_sees_what_the_role_that_it_takes_sees(
    connection: Connection, dataset: Dataset, login: Any
) -> None:
    """Guards against a BI server that logs in once and takes its user's role: that role's organizations count."""
    mine, other = dataset.organizations[:2]
    person = rows(login("person", [mine]), "SELECT current_user")[0][0]
    for name, organizations in (("server", None), ("wide", [mine, other])):
        shared = login(name, organizations)
        connection.execute(f"GRANT {person} TO {rows(shared, 'SELECT current_user')[0][0]}".encode())
        connection.commit()
        shared.execute(f"SET ROLE {person}".encode())
        assert rows(shared, "SELECT organization_id FROM marts.dim_organization") == [(mine,)], name


def test_a_shared_login_that_was_granted_nothing_sees_nothing_until_it_takes_a_viewers_role(
    connection: Connection,
    dataset: Dataset,
    login: Any,
    cli: Cli,  # noqa: F811
) -> None:
    """Guards against a BI server that shows every viewer the union of what its viewers see."""
    viewers = []
    for number, organization in enumerate(dataset.organizations[:2]):
        name = rows(login(f"viewer{number}", None), "SELECT current_user")[0][0]
        organization_name, cluster = connection.execute(
            "SELECT o.name, c.name FROM clusters_organization o JOIN clusters_cluster c ON c.id = cluster_id "
            "WHERE o.id = %s",
            (organization,),
        ).fetchall()[0]
        assert cli("access", "grant", name, "--organization", organization_name, "--cluster", cluster).status == 0
        viewers.append((name, organization))
    server = login("server", None)
    name = rows(server, "SELECT current_user")[0][0]
    assert "sees nothing until it runs SET ROLE" in cli("access", "grant", name, "--nothing").out
    for viewer, _ in viewers:
        connection.execute(f"GRANT {viewer} TO {name}".encode())
    connection.commit()
    seen = "SELECT DISTINCT organization_id FROM marts.dim_organization"
    assert rows(server, seen) == []
    for viewer, organization in viewers:
        server.execute(f"SET ROLE {viewer}".encode())
        assert rows(server, seen) == [(organization,)]
        server.execute("RESET ROLE")
    assert cli("access", "revoke", viewers[0][0]).status == 0
    server.execute(f"SET ROLE {viewers[0][0]}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(server, seen)
    listed = json.loads(cli("access", "list", "--json").out)
    expected = {(name, True), (viewers[0][0], True), (viewers[1][0], False)}
    assert {(row["role"], row["nothing"]) for row in listed} == expected


def test_a_role_that_loses_its_last_organization_sees_nothing(
    connection: Connection,
    dataset: Dataset,
    login: Any,
    cli: Cli,  # noqa: F811
) -> None:
    """Guards against a restriction that ends with its last row: who is not listed sees everything."""
    reader = login("last", [dataset.organizations[0]])
    name = rows(reader, "SELECT current_user")[0][0]
    organization, cluster = connection.execute(
        "SELECT o.name, c.name FROM clusters_organization o JOIN clusters_cluster c ON c.id = cluster_id "
        "WHERE o.id = %s",
        (dataset.organizations[0],),
    ).fetchall()[0]
    assert cli("access", "revoke", name, "--organization", organization, "--cluster", cluster).status == 0
    assert rows(reader, "SELECT count(*) FROM marts.savings_daily") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grant", "alice", "--organization", "nobody"), "There is no organization 'nobody'"),
        (("grant", "no_such_role", "--nothing"), 'There is no database role "no_such_role"'),
        (("grant", "alice"), "Use either --organization"),
        (("revoke", "alice"), "Role 'alice' is not restricted"),
    ],
)
def test_access_that_cannot_be_is_refused_by_name(cli: Cli, arguments: tuple[str, ...], message: str) -> None:  # noqa: F811
    """Guards against an organization that does not exist, which would let a role see nothing, or everything."""
    outcome = cli("access", *arguments)
    assert outcome.status == 1
    assert message in outcome.err


@pytest.mark.parametrize("role", ["superuser", "bypass", "owner"])
def test_a_role_that_no_policy_binds_is_refused(
    connection: Connection,
    dataset: Dataset,
    login: Any,
    cli: Cli,  # noqa: F811
    role: str,
) -> None:
    """Guards against "ROLE sees Org." about one that sees everything."""
    name = rows(login(role, None), "SELECT current_user")[0][0]
    owner = connection.info.user
    changes = {
        "superuser": "ALTER ROLE {} SUPERUSER",
        "bypass": "ALTER ROLE {} BYPASSRLS",
        "owner": f"GRANT {owner} TO {{}}",
    }
    connection.execute(changes[role].format(name).encode())
    connection.commit()
    outcome = cli("access", "grant", name, "--nothing")
    assert outcome.status == 1
    assert f'Role "{name}" cannot be restricted' in outcome.err
    assert json.loads(cli("access", "list", "--json").out) == []


def test_the_group_of_all_readers_cannot_be_restricted(cli: Cli) -> None:  # noqa: F811
    """Guards against a traceback: no role can be a member of itself."""
    outcome = cli("access", "grant", "bi_reader", "--nothing")
    assert outcome.status == 1
    assert 'Role "bi_reader" cannot be restricted' in outcome.err


def test_a_role_that_was_dropped_can_be_revoked(
    connection: Connection,
    dataset: Dataset,
    cli: Cli,  # noqa: F811
) -> None:
    """Guards against a traceback, and against a restriction that no command can remove."""
    connection.execute("CREATE ROLE goes")
    connection.execute("INSERT INTO marts.bi_access VALUES ('goes', 1), ('goes', -1)")
    connection.execute("DROP ROLE goes")
    connection.commit()
    assert cli("access", "revoke", "goes").status == 0
    assert json.loads(cli("access", "list", "--json").out) == []


def test_a_role_that_does_not_exist_cannot_be_listed(connection: Connection) -> None:
    """Guards against a typing error that restricts nobody: whoever is not listed sees everything."""
    with pytest.raises(psycopg.errors.RaiseException, match='There is no database role "alcie"'):
        connection.execute("INSERT INTO marts.bi_access VALUES ('alcie', 1)")


def test_a_group_that_is_listed_restricts_its_members(connection: Connection, dataset: Dataset, login: Any) -> None:
    """Guards against a restriction that a personal login escapes."""
    group, mine = "finance_group", dataset.organizations[1]
    connection.execute(f"CREATE ROLE {group} IN ROLE bi_reader".encode())
    connection.execute("INSERT INTO marts.bi_access VALUES (%s, %s)", (group, mine))
    reader = login("member", None)
    member = rows(reader, "SELECT current_user")[0][0]
    connection.execute(f"GRANT {group} TO {member}".encode())
    connection.commit()
    assert {row[0] for row in rows(reader, "SELECT DISTINCT organization_id FROM marts.savings_daily")} == {mine}
    connection.execute(f"DROP ROLE {group}".encode())
    connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.clusters_job",
        "SELECT access_token FROM public.clusters_cluster",
        "SELECT * FROM pipeline.sync_run",
        "DELETE FROM marts.savings_daily",
        "INSERT INTO marts.bi_access VALUES ('x', 1)",
        "SELECT marts.set_rate('manual', 1, '2025-01-01')",
        "SELECT rollup.read_formula()",
        "SELECT * FROM rollup.job",
        "SELECT * FROM rollup.host_runs_daily",
        "SELECT rollup.reprice(1, '2025-01-01', '2025-02-01')",
    ],
)
def test_a_reader_reads_the_marts_and_nothing_else(dataset: Dataset, login: Any, statement: str) -> None:
    """Guards against a grant too many."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(login("curious", None), statement)

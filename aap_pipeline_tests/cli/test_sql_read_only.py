"""`aap-pipeline sql` without --write: nothing that a person pastes changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aap_pipeline.database.connection import clear_errors, connect
from aap_pipeline.database.user_sql import read_only_session, run, statements
from aap_pipeline.errors import PipelineError
from aap_pipeline_tests.runtime.running import wait_for
from aap_pipeline_tests.servers import PostgresServer

_OPENINGS = (
    "{}",
    "SELECT 1; {}",
    "COMMIT; {}",
    "COMMIT AND CHAIN; {}",
    "ROLLBACK; {}; COMMIT",
    "COMMIT; BEGIN READ WRITE; {}; COMMIT",
    "END; START TRANSACTION READ WRITE; {}; COMMIT",
    "--\rCOMMIT /*\n select */; {}",
    "/* /* */ SELECT 1; */ {}; COMMIT",
    "BEGIN; {}; COMMIT",
    "{}; COMMIT",
    "SET TRANSACTION READ WRITE; {}",
    "SET transaction_read_only = off; {}; COMMIT",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; COMMIT; {}; COMMIT",
    "SELECT set_config('transaction_read_only', 'off', false); {}",
    "SAVEPOINT a; SET TRANSACTION READ WRITE; {}; RELEASE a; COMMIT",
    "RESET ROLE; {}",
    "SET ROLE NONE; {}",
    "RESET SESSION AUTHORIZATION; {}; COMMIT",
    "SET SESSION AUTHORIZATION DEFAULT; {}",
    "SELECT set_config('role', 'none', false); {}",
    "RESET ALL; {}",
    "PREPARE TRANSACTION 'left'; {}",
    "EXPLAIN ANALYZE {}",
    "WITH a AS ({}) SELECT 1",
    "SELECT 1 \\; {}",
)
_WRITES = (
    "DELETE FROM clusters_costs",
    "INSERT INTO clusters_costs SELECT * FROM clusters_costs",
    "TRUNCATE clusters_costs",
    "WITH gone AS (DELETE FROM clusters_costs RETURNING *) SELECT * FROM gone",
    "SELECT * INTO copied FROM clusters_costs",
    "CREATE TABLE made AS SELECT 1",
    "DO $$ BEGIN DELETE FROM clusters_costs; END $$",
    "DO $$ BEGIN COMMIT; DELETE FROM clusters_costs; COMMIT; END $$",
    "DO $$ BEGIN RESET ROLE; EXECUTE $x$COPY (SELECT 1) TO '@'$x$; END $$",
    "CALL nowhere()",
    "COPY (SELECT 1) TO '@'",
    "COPY (SELECT 1) TO PROGRAM 'touch @'",
    "SELECT nextval('clusters_costs_id_seq')",
    "SELECT setval('clusters_costs_id_seq', 1000)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, '\\x00')",
    "SELECT lo_export(lo_from_bytea(0, '\\x00'), '@')",
    "SELECT set_config('role', 'none', false), query_to_xml($$SELECT lo_export(1, '@')$$, true, true, '')",
    "SELECT set_config('role', 'none', false), query_to_xml($$SELECT pg_reload_conf()$$, true, true, '')",
    "SELECT pg_create_physical_replication_slot('left')",
    "SELECT pg_advisory_lock(4711)",
    "SELECT pg_advisory_xact_lock(4712)",
    "SELECT marts.set_rate('manual', 1, '2020-01-01')",
    "CREATE ROLE left_behind",
    "ALTER ROLE CURRENT_USER SET work_mem = '1MB'",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "ALTER DATABASE postgres SET work_mem = '1MB'",
    "SELECT dblink_exec('', 'DELETE FROM clusters_costs')",
    "SELECT dblink_exec('dbname=' || current_database(), 'DELETE FROM clusters_costs')",
    "NOTIFY somebody",
    "LOCK TABLE clusters_costs",
    "GRANT SELECT ON clusters_costs TO PUBLIC",
)
_STATE = """
SELECT (SELECT array_agg(c::text ORDER BY id) FROM clusters_costs c), (SELECT count(*) FROM marts.rate_history),
    (SELECT (last_value, is_called)::text FROM clusters_costs_id_seq), (SELECT count(*) FROM pg_class),
    (SELECT array_agg(relacl::text) FROM pg_class WHERE relname = 'clusters_costs'),
    (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_prepared_xacts),
    (SELECT count(*) FROM pg_replication_slots), (SELECT array_agg(rolname ORDER BY 1) FROM pg_roles),
    (SELECT count(*) FROM pg_db_role_setting), (SELECT count(*) FROM pg_file_settings),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (
        SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_SESSIONS = "SELECT FROM pg_stat_activity WHERE application_name = 'aap_pipeline sql'"


@pytest.fixture(params=["superuser", "owner", "may become a superuser"])
def url(request: pytest.FixtureRequest, postgres: PostgresServer, database_url: str) -> Iterator[str]:
    """URL of a role for `sql`, on a database with the extension dblink where the server has it."""
    with connect(database_url) as connection:
        if connection.execute("SELECT FROM pg_available_extensions WHERE name = 'dblink'").fetchone():
            connection.execute("CREATE EXTENSION dblink")
    if request.param == "superuser":
        yield database_url
        return
    with postgres.role("sql_user", database_url) as role:
        administrator = psycopg.conninfo.conninfo_to_dict(database_url)["user"]
        with connect(database_url, autocommit=True) as connection:
            if request.param == "owner":
                connection.execute(_OWN_ALL)
                connection.execute("GRANT bi_reader TO sql_user")
            else:
                connection.execute(f"GRANT {administrator} TO sql_user".encode())
                connection.execute("ALTER ROLE sql_user CREATEROLE")
        yield role


_OWN_ALL = """
GRANT ALL ON SCHEMA public, marts, pipeline TO sql_user;
GRANT ALL ON ALL TABLES IN SCHEMA public, marts, pipeline TO sql_user;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public, marts, pipeline TO sql_user;
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public, marts, pipeline TO sql_user;
"""


def test_no_trick_changes_anything(url: str, database_url: str, tmp_path: Path) -> None:
    """Guards against SET TRANSACTION READ WRITE, COMMIT, RESET ROLE, DO, server files, sequences, large objects, locks
    and whatever else gets around a setting."""
    target = Path("/tmp") / f"{tmp_path.parent.name}-{tmp_path.name}-written"  # noqa: S108 - where the server may write
    with connect(database_url, autocommit=True) as watching:

        def state() -> tuple[Any, ...] | None:
            return watching.execute(_STATE).fetchone()

        before = state()
        for opening, write in [*product(_OPENINGS, _WRITES[:3]), *product(_OPENINGS[:3], _WRITES[3:])]:
            text = opening.replace("{}", write.replace("@", str(target)))
            with suppress(PipelineError), clear_errors():
                run(url, text)
            wait_for(lambda: not watching.execute(_SESSIONS).fetchall())  # a server process ends after its client
            assert (state(), target.exists()) == (before, False), text


def test_a_reader_of_the_marts_may_ask_and_sees_no_more(postgres: PostgresServer, database_url: str) -> None:
    """Guards against a command that is for administrators only, and against rights that a query borrows."""
    with postgres.role("analyst", database_url) as url:
        postgres.execute("GRANT bi_reader TO analyst")
        assert run(url, "SELECT current_user, count(*) FROM marts.dim_cluster")[0].rows == [("analyst", 0)]
        with pytest.raises(PipelineError, match="permission denied for table clusters_job"):
            run(url, "SELECT * FROM public.clusters_job")


def test_a_superusers_query_reads_everything_and_may_look_as_a_reader_does(database_url: str) -> None:
    """Guards against a harmless role that sees less than its owner: row-level security, functions, other schemas."""
    totals = "SELECT * FROM marts.totals('2025-01-01', '2025-01-02')"
    text = f"SELECT count(*) FROM pipeline.sync_run; {totals}; SET ROLE bi_reader"
    assert [result.status for result in run(database_url, text)] == ["SELECT 1", "SELECT 1", "SET"]


def test_the_role_of_a_command_that_was_killed_is_dropped_by_the_next(database_url: str) -> None:
    """Guards against roles that pile up, and against a drop of the role of a command that is still at it."""
    roles = "SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'aap\\_pipeline\\_sql%'"
    with connect(database_url, autocommit=True) as connection:
        for name, until in (("a" * 16, "-1"), ("b" * 16, "9"), ("mine", "-1")):
            day = f"{datetime.now(UTC) + timedelta(minutes=int(until)):%Y-%m-%d %H:%M:%S}+00"
            connection.execute(f"CREATE ROLE aap_pipeline_sql_{name} VALID UNTIL '{day}'".encode())
        try:
            run(database_url, "SELECT 1")
            left = [f"aap_pipeline_sql_{'b' * 16}", "aap_pipeline_sql_mine"]
            assert connection.execute(roles.encode()).fetchone() == (left,)
            with read_only_session(database_url) as session:
                query = "SELECT rolvaliduntil - now() < interval '11 min' FROM pg_roles WHERE rolname = current_user"
                assert session.execute(query).fetchone() == (True,)
        finally:
            for name in ("a" * 16, "b" * 16, "mine"):
                connection.execute(f"DROP ROLE IF EXISTS aap_pipeline_sql_{name}".encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", [(0, "SELECT")]),
        ("  -- a;b\n /* c /* ; */ d; */ (select 1) ;; table x;", [(0, "SELECT"), (42, "TABLE")]),
        ("SELECT 'a;''b' ; SHOW x", [(0, "SELECT"), (16, "SHOW")]),
        (r"SELECT E'a\';b', e'\\'; VALUES (1)", [(0, "SELECT"), (23, "VALUES")]),
        ('SELECT ";" ; SET a = b', [(0, "SELECT"), (12, "SET")]),
        ("SELECT $$;$$, $a$ ; $$ ; $a$, a$b$, $1 ; RESET ALL", [(0, "SELECT"), (40, "RESET")]),
        ("SELECT 1 -- no end;", [(0, "SELECT")]),
        ("-- nothing\n;/* nothing */", []),
        ("1; +", [(0, "1"), (2, "")]),
    ],
)
def test_statements_are_split_as_postgresql_splits_them(text: str, expected: list[tuple[int, str]]) -> None:
    """Guards against a semicolon in a string or a comment that ends a statement, and one that ends none."""
    assert [(each.offset, each.keyword) for each in statements(text)] == expected


def test_a_mistake_in_a_later_statement_has_its_place_in_the_whole(database_url: str) -> None:
    """Guards against line 1 for an error in line 3."""
    with pytest.raises(PipelineError, match='at line 3, column 8: column "wrong" does not exist'):
        run(database_url, "SELECT 1;\n\nSELECT wrong")

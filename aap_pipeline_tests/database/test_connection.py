"""A connection that fails says why in one line, and never with the password."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from aap_pipeline.database.connection import connect, describe
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline_tests.cli.conftest import Cli, run  # noqa: F401 - a fixture
from aap_pipeline_tests.servers import PostgresServer


def _error(url: str) -> str:
    with pytest.raises(DatabaseUnreachable) as caught:
        connect(url)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/warehouse", "127.0.0.1:1/warehouse: Connection refused. Check"),
        ("postgresql://me:hunter2@localhost:1/warehouse", "localhost:1/warehouse: Connection refused. Check"),
        ("host=127.0.0.1 port=1 user=me password=hunter2 dbname=w", "127.0.0.1:1/w: Connection refused. Check"),
        ("postgresql://me:hunter2@127.0.0.1:port/warehouse", 'invalid integer value "port"'),
        ("postgresql://me:hunter2@nowhere.invalid/warehouse", "nowhere.invalid:5432/warehouse: failed to resolve host"),
        ("mysql://me:hunter2@127.0.0.1/warehouse", "is not a PostgreSQL URL. Use postgresql://USER:PASSWORD@HOST"),
        ("hunter2", "is not a PostgreSQL URL"),
    ],
)
def test_the_reason_is_one_line_without_the_password(url: str, expected: str) -> None:
    """Guards against secrets in logs and against libpq's pages of explanation."""
    message = _error(url)
    assert expected in message
    assert "hunter2" not in message
    assert "\n" not in message
    assert "hunter2" not in describe(url)


def test_a_wrong_password_and_a_missing_database_are_said(database_url: str) -> None:
    """Guards against "cannot connect" for what the administrator could name."""
    password = str(urlsplit(database_url).password)
    assert "password authentication failed for user" in _error(database_url.replace(password, "hunter2"))
    assert 'database "nothing" does not exist' in _error(database_url.rpartition("/")[0] + "/nothing")


def test_tls_settings_of_the_url_reach_the_server(database_url: str) -> None:
    """Guards against an sslmode that is dropped on the way: the embedded server speaks no TLS."""
    assert "server does not support SSL, but SSL was required" in _error(f"{database_url}?sslmode=require")


def test_options_of_the_url_are_kept_where_nothing_relies_on_them(database_url: str) -> None:
    """Guards against memory or a role that an operator sets in the URL and that is dropped."""
    with connect(f"{database_url}?options=-c%20work_mem%3D9MB%20-c%20timezone%3DEurope/Berlin") as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("9MB",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
@pytest.mark.parametrize("command", [["migrate"], ["migrate", "--check"], ["doctor"], ["status"], ["sql", "SELECT 1"]])
def test_a_database_that_is_not_utf8_is_refused_in_one_sentence(
    run: Cli,  # noqa: F811
    postgres: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    command: list[str],
) -> None:
    """Guards against a TypeError, and against names that cannot be stored after a week of syncs."""
    with postgres.database(encoding=encoding) as url:
        monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", url)
        outcome = run(*command)
    assert outcome.status == 1
    said = outcome.out if command == ["doctor"] else outcome.err
    assert f"has the encoding {encoding}, which cannot store every name" in said
    assert "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0;" in said
    assert "Traceback" not in outcome.err

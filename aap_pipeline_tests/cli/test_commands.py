"""The small commands, and what every command does about a database that is not ready."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.migrate import REVISIONS
from aap_pipeline_tests.cli.conftest import Cli


def test_an_external_database_that_was_not_migrated_says_what_to_run(
    run: Cli, monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    """Guards against "relation does not exist" for someone who forgot a step, and against migrating unasked."""
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", empty_database_url)
    refused = run("settings", "show")
    assert refused.status == 1
    assert "is empty, but this release needs" in refused.err
    assert "Run `aap-pipeline migrate`" in refused.err
    assert run("migrate", "--check").status == 1
    assert f"migrated from an empty database to schema {max(REVISIONS)}" in run("migrate").out
    assert "is up to date" in run("migrate").out
    assert run("migrate", "--check").status == 0
    assert run("settings", "show").status == 0


@pytest.mark.usefixtures("starts_server")
def test_the_embedded_server_is_made_migrated_used_and_stopped(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a first command that fails on a fresh machine, and against servers left behind."""
    monkeypatch.delenv("AAP_PIPELINE_DATABASE_URL", raising=False)
    port = json.loads(run("sql", "--json", "SELECT inet_server_port() AS port, count(*) FROM clusters_costs").out)
    assert port[0]["count"] == 2
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", f"postgresql://x@127.0.0.1:{port[0]['port']}/x")
    assert "Connection refused" in run("sql", "SELECT 1").err


def test_migrate_prints_the_sql_without_a_database(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a --sql that needs what it is meant to prepare."""
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    out = run("migrate", "--sql").out
    assert "CREATE TABLE clusters_job (" in out
    assert f"(version_num) VALUES ('{max(REVISIONS)}')" in out


def test_the_sql_that_migrate_prints_gives_the_same_schema(
    run: Cli, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a script for the DBA that differs from what the command would do."""
    text = run("migrate", "--sql").out
    with connect(empty_database_url, autocommit=True) as connection:
        connection.execute(text.encode())
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", empty_database_url)
    assert run("migrate", "--check").status == 0


def test_settings_are_shown_with_their_meaning_and_set(cli: Cli) -> None:
    """Guards against settings that can be changed but not understood."""
    assert cli("settings", "set", "creation_cost_basis", "once").out == "creation_cost_basis is once.\n"
    [shown] = json.loads(cli("settings", "show", "creation_cost_basis", "--json").out)
    assert shown["value"] == "once"
    assert shown["default"] == "per_run"
    assert shown["allowed"] == "per_run or once"
    assert "fiscal_year_start_month" in cli("settings", "show").out
    assert cli("settings", "set", "sync_workers", "none").status == 2
    assert "There is no setting 'nonsense'" in cli("settings", "show", "nonsense").err


def test_exchange_rates_are_set_and_shown(cli: Cli) -> None:
    """Guards against rates that can be set and never looked at."""
    assert cli("settings", "fx", "set", "usd", "EUR", "0.92", "--date", "2026-01-01").status == 0
    assert json.loads(cli("settings", "fx", "show", "--json").out) == [
        {"from_currency": "USD", "rate": 0.92, "to_currency": "EUR", "rate_date": "2026-01-01"}
    ]


def test_a_new_key_encrypts(run: Cli) -> None:
    """Guards against keys that Fernet does not take."""
    cipher = Cipher([run("keys", "new").out])
    assert cipher.decrypt(cipher.encrypt("secret")) == "secret"


def test_a_wrong_password_is_one_line_without_it(run: Cli, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """Guards against a password in a terminal's history or in a log."""
    wrong = database_url.replace(str(urlsplit(database_url).password), "hunter2")
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", wrong)
    outcome = run("sql", "SELECT 1")
    assert outcome.status == 1
    assert outcome.err.count("\n") == 1
    assert "password authentication failed" in outcome.err
    assert "hunter2" not in outcome.err


def test_a_connection_that_breaks_is_one_line(cli: Cli) -> None:
    """Guards against a traceback when the server restarts under a command."""
    outcome = cli("sql", "--write", "SELECT pg_terminate_backend(pg_backend_pid())")
    assert outcome.status == 1
    assert outcome.err.startswith(
        "Error: PostgreSQL closed the connection or rejected a statement: terminating connection"
    )
    assert outcome.err.count("\n") == 1

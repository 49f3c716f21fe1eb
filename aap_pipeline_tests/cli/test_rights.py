"""Commands with a role that lacks rights, or at a server that cannot be written to: a sentence, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from aap_pipeline.cli.commands import SECTIONS
from aap_pipeline.database.encryption import new_key
from aap_pipeline_tests.cli.conftest import Cli
from aap_pipeline_tests.runtime.running import free_port
from aap_pipeline_tests.servers import PostgresServer
from aap_pipeline_tests.site import NO_PORT

_COMMANDS = (
    ["sync"],
    ["report"],
    ["export", "never-written"],
    ["reconcile"],
    ["rejected", "list"],
    ["rebuild", "marts"],
    ["rebuild", "core"],
    ["alerts", "list"],
    ["status"],
    ["doctor"],
    ["migrate"],
    ["migrate", "--check"],
    ["clusters", "list"],
    ["clusters", "add", f"http://127.0.0.1:{NO_PORT}", "--name", "a", "--token-env", "AAP_PIPELINE_ENCRYPTION_KEYS"],
    ["costs", "show"],
    ["costs", "set", "manual", "1"],
    ["templates", "list"],
    ["access", "grant", "poor", "--nothing"],
    ["access", "revoke", "poor"],
    ["settings", "show"],
    ["settings", "set", "token_warning_days", "21"],
    ["sql", "SELECT * FROM clusters_cluster"],
    ["sql", "--write", "DELETE FROM clusters_costs"],
    ["bi", "grafana", "--write", "grafana"],
    ["up", "--port", str(free_port())],
)


@pytest.fixture(params=["bi_reader", "nobody"])
def reader(request: pytest.FixtureRequest, run: Cli, postgres: PostgresServer, database_url: str) -> Iterator[Cli]:
    """`run` as a login that may read the marts, or nothing at all."""
    with postgres.role("poor", database_url) as url, pytest.MonkeyPatch.context() as patch:
        if request.param == "bi_reader":
            postgres.execute("GRANT bi_reader TO poor")
        patch.setenv("AAP_PIPELINE_DATABASE_URL", url)
        patch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new_key())
        yield run


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_role_without_rights_gets_a_sentence(reader: Cli, command: list[str]) -> None:
    """Guards against a traceback for the first thing that an analyst tries."""
    outcome = reader(*command)
    assert outcome.status == 1, outcome
    said = outcome.out if command == ["doctor"] else outcome.err
    assert "permission denied for" in said or "There are no savings yet" in said
    assert said.count("\n") == 1 or command == ["doctor"]
    assert "Traceback" not in outcome.out + outcome.err


def test_doctor_goes_on_after_a_question_that_it_may_not_ask(reader: Cli) -> None:
    """Guards against a doctor that dies of a missing right before it names the rest."""
    found = {each["subject"]: each["verdict"] for each in json.loads(reader("doctor", "--json").out)}
    assert (found["database"], found["clock"], found["schema"]) == ("ok", "ok", "failed")


def test_a_database_that_others_own_is_not_migrated_without_a_sentence(
    run: Cli, postgres: PostgresServer, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against SQLAlchemy's pages for a missing CREATE, or for a role that an administrator has to make."""
    with postgres.role("guest", empty_database_url) as url:
        monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", url)
        outcome = run("migrate")
    assert outcome.status == 1
    assert outcome.err.startswith(
        "Error: The role in AAP_PIPELINE_DATABASE_URL lacks a privilege: permission denied for"
    )
    assert outcome.err.count("\n") == 1


def test_each_command_that_uses_the_database_is_tried() -> None:
    """Guards against a new command that is not in the list above."""
    commands = {name for entries in SECTIONS.values() for name in entries}
    assert {command[0] for command in _COMMANDS} == commands - {
        "demo",
        "keys",
        "metrics",
    }  # which make a database, use none, or serve

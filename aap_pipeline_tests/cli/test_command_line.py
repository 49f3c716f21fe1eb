"""The frame of the command line: quick to start, complete in its help, quiet about its insides."""

from __future__ import annotations

import errno
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import click
import pytest

from aap_pipeline import cli
from aap_pipeline.cli.commands import SECTIONS
from aap_pipeline.errors import PipelineError
from aap_pipeline.reports.output import money, number, print_rows, to_json

_NAMES = [name for entries in SECTIONS.values() for name in entries]


@pytest.mark.usefixtures("starts_server")
def test_help_loads_neither_dagster_nor_a_database_driver() -> None:
    """Guards against a second of waiting at every --help and every completion."""
    program = (
        "import sys; from aap_pipeline.cli import main; status = main(['--help']); "
        "heavy = {'dagster', 'pandas', 'sqlalchemy', 'psycopg', 'alembic', 'rich'} & set(sys.modules); "
        "sys.exit(f'loaded {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {name} " in done.stdout for name in _NAMES)


@pytest.mark.parametrize("name", _NAMES)
def test_every_command_exists_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a line in the list of commands without a command, and commands or options without help."""
    command = importlib.import_module(f"aap_pipeline.cli.{name}").command
    assert command.name == name
    for path, each in _with_commands_below((name,), command):
        assert each.help, path
        assert all(option.help for option in each.params if isinstance(option, click.Option)), path
        assert cli.main([*path, "--help"]) == 0
        out = capsys.readouterr().out
        assert f"Usage: aap-pipeline {' '.join(path)}" in out
        assert "%Y" not in out, path
        assert [line for line in out.partition("Commands:")[2].splitlines() if line.endswith("...")] == []


def _with_commands_below(
    path: tuple[str, ...], command: click.Command
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _with_commands_below((*path, name), each)


@pytest.mark.usefixtures("starts_server")
def test_the_shell_is_offered_commands_and_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a completion that offers nothing, or that takes a second to."""
    for words, position, offered in (
        ("aap-pipeline st", "1", "plain,status"),
        ("aap-pipeline sql --wr", "2", "plain,--write"),
    ):
        monkeypatch.setenv("_AAP_PIPELINE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", position)
        program = "import sys; from aap_pipeline.cli import main; sys.exit(main())"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()) == (0, [offered]), done.stderr


def test_an_error_is_one_line_and_status_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against tracebacks for what a user can mend."""
    monkeypatch.setattr(cli, "aap_pipeline", _failing(PipelineError("The controller is down.")))
    assert cli.main([]) == 1
    assert capsys.readouterr().err == "Error: The controller is down.\n"


def test_a_full_disk_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards against a traceback where a report is written to a full disk."""
    monkeypatch.setattr(cli, "aap_pipeline", _failing(OSError(errno.ENOSPC, "No space left on device")))
    assert cli.main([]) == 1
    assert capsys.readouterr().err.startswith("Error: Cannot write the output: No space left on device.")


def test_ctrl_c_is_status_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a traceback for someone who changed their mind."""
    monkeypatch.setattr(cli, "aap_pipeline", _failing(KeyboardInterrupt()))
    assert cli.main([]) == 130
    assert capsys.readouterr().err.strip() == "Interrupted."


def test_an_unknown_command_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a typo that a script takes for success."""
    assert cli.main(["synk"]) == 2
    assert "No such command 'synk'" in capsys.readouterr().err


def test_money_and_numbers_read_well() -> None:
    """Guards against floats, missing signs and numbers nobody can count the digits of."""
    assert money(Decimal("-1234567.5"), "€") == "-€1,234,567.50"
    assert money(None) == "–"
    assert number(1234567) == "1,234,567"
    assert to_json({"a": Decimal("0.10"), "b": Decimal("NaN")}, indent=False) == '{"a":0.10,"b":null}'


def _failing(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


def test_a_table_writes_values_by_their_type_and_json_writes_whole_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against ids with separators, times without a zone of their own, and JSON without what no column shows."""
    at = datetime(2026, 7, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    rows = [{"id": 1234, "jobs": 1234, "on": True, "at": at, "none": None, "name": "[red]", "more": 1}]
    headers = {key: key.upper() for key in ("id", "jobs", "on", "at", "none", "name")}
    print_rows(headers, rows, id=str)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["ID", "JOBS", "ON", "AT", "NONE", "NAME"]
    assert lines[2].split() == ["1234", "1,234", "yes", "2026-07-01", "12:30", "–", "[red]"]
    print_rows(headers, rows, as_json=True)
    assert json.loads(capsys.readouterr().out)[0].keys() == rows[0].keys()

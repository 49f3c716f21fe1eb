"""What an operator mistypes: each command line that makes no sense is exit status 2, before anything is started."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from aap_pipeline.cli.commands import SECTIONS
from aap_pipeline_tests.cli.conftest import Cli

_NAMES = [name for entries in SECTIONS.values() for name in entries]


@pytest.fixture
def alone(run: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """`run` where no database answers, so that whatever needs one fails with status 1."""
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", "postgresql://localhost:9/there-is-none")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin").write_bytes(b"\xff")
    (tmp_path / "empty").touch()
    (tmp_path / "token").write_text("a-token")
    (tmp_path / "bad.yaml").write_text("clusters: [{name: a..b, address: a_, port: x, color: blue}, 3]")
    return run


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("report", "--from", "2026-02-01", "--to", "2026-01-01"), "--from 2026-02-01 is after --to 2026-01-01"),
        (("report", "--from", "9998-01-01"), "--from 9998-01-01 is in the future"),
        (("report", "--from", "2026-02-30"), "'2026-02-30' is not a valid day. Use 2026-01-31."),
        (("report", "--to", "yesterday"), "'yesterday' is not a valid day"),
        (("reconcile", "--since", "9998-01-01"), "--since 9998-01-01 is in the future"),
        (("reconcile", "--since", ""), "'' is not a valid day"),
        (
            ("sync", "--since", "2026-06-01", "--until", "2026-05-01"),
            "--since 2026-06-01 00:00 is not before 2026-05-01",
        ),
        (("sync", "--since", "9998-01-01"), "--since 9998-01-01 00:00 is not before"),
        (("sync", "--since", "9998-01-01", "--until", "9999-01-01"), "(now). Use an earlier --since"),
        (("sync", "--since", "2026-05-01", "--until", "2026-05-01"), "is not before 2026-05-01 00:00 UTC"),
        (("sync", "--since", "0001-01-01T00:00:00+01:00"), "is not a valid time. Use 2026-01-31 or"),
        (("sync", "--until", "9999-12-31T23:59:59-01:00"), "is not a valid time"),
        (("sync", "--dry-run", "--since", "last week"), "'last week' is not a valid time"),
        (("sync", "--until", ""), "The value is empty"),
        (("sync", "--until", "0001-01-01"), "Add --since"),
    ],
)
def test_a_range_that_cannot_be_is_refused_before_anything_starts(
    alone: Cli, command: tuple[str, ...], message: str
) -> None:
    """Guards against a run that starts, fails and leaves its cluster "failed", and against a proof over no day."""
    refused = alone(*command)
    assert (refused.status, refused.out) == (2, "")
    assert message in refused.err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("clusters add https://x --name y --token-file", "requires an argument"),
        ("clusters add https://x --name y --token-file=", "The value is empty"),
        ("clusters add https://x --name y --token-env=", "The value is empty"),
        ("clusters add https://x --name y --token-file token --ca-bundle=", "The value is empty"),
        ("clusters add https://x --name y --token-file empty", "empty is empty"),
        ("clusters add https://x --name y --token-file latin", "it is not UTF-8 text"),
        ("clusters add https://x --name y --token-file .", "Is a directory"),
        ("clusters add https://x:99999 --name y --token-file token", "Use https://aap"),
        ("clusters add https://x --name y...z --token-file token", "single dots"),
        ("clusters add https://x --name y --token-file token --token-env T", "only one of"),
        ("clusters update y", "Nothing to change"),
        ("clusters update y --url= --ca-bundle token", "The value is empty"),
        ("clusters import", "Missing argument"),
        ("clusters import nowhere", "Cannot read nowhere"),
        ("clusters import latin", "is not UTF-8 text"),
        ("clusters import empty", "must be a mapping with the list `clusters:`"),
        ("sql -f nowhere", "'nowhere': No such file or directory"),
        ("sql --file=", "'': No such file or directory"),
        ("sql SELECT -f empty", "not both"),
        ("sql --max-rows x SELECT", "'x' is not a valid whole number"),
        ("templates set x --manual-minutes -1", "-1 is not in the range 0<=x<=2147483647"),
        ("templates set x --creation-minutes 1.5", "'1.5' is not a valid whole number"),
        ("rejected show x", "'x' is not a valid whole number"),
        ("costs set manual 5 --from 2026-1-1", "Use 2026-01-31."),
        ("settings fx set USD EUR 1 --date today", "Use 2026-01-31."),
        ("migrate --check --sql", "only one of"),
        ("up --port 0", "not in the range"),
    ],
)
def test_what_makes_no_sense_is_status_2(alone: Cli, command: str, message: str) -> None:
    """Guards against a typo that a script takes for a failed sync, and against an empty path read as this folder."""
    refused = alone(*command.split())
    assert (refused.status, refused.out) == (2, "")
    assert message in refused.err


def test_a_file_of_clusters_names_all_of_its_mistakes_at_once(alone: Cli) -> None:
    """Guards against a file that is refused once for each of its keys."""
    refused = alone("clusters", "import", "bad.yaml")
    assert refused.status == 2
    for words in ("cluster a..b: port 'x'", "cluster a..b: unknown key 'color'", "entry 2: `name`"):
        assert words in refused.err


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its path."""
    waiting: list[tuple[tuple[str, ...], click.Command]] = [
        ((name,), importlib.import_module(f"aap_pipeline.cli.{name}").command) for name in _NAMES
    ]
    while waiting:
        path, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += [((*path, name), each) for name, each in command.commands.items()]
        else:
            yield path, command


@pytest.mark.parametrize(("path", "command"), list(commands()))
def test_every_command_refuses_what_it_does_not_have(alone: Cli, path: tuple[str, ...], command: click.Command) -> None:
    """Guards against a command that ignores a mistyped option, or that shows a traceback for an empty value."""
    given = ["x" for each in command.params if isinstance(each, click.Argument) and each.required and each.nargs == 1]
    assert alone(*path, *given, "--no-such-option").status == 2
    for option in command.params:
        if isinstance(option, click.Option) and not option.is_flag and option.name not in ("host", "metrics_host"):
            refused = alone(*path, *given, option.opts[0], "")
            assert refused.status in (1, 2), option.name
            assert refused.err.startswith(("Usage: ", "Error: "))
            assert "Traceback" not in refused.err

"""The command line in this process, on a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from aap_pipeline.cli import main


class Outcome(NamedTuple):
    """What a command did: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Runs `aap-pipeline ARGUMENTS` with a home of its own and whatever database the environment names."""
    monkeypatch.setenv("AAP_PIPELINE_HOME", str(tmp_path / "home"))

    def run_command(*arguments: str) -> Outcome:
        capsys.readouterr()
        status = main(list(arguments))
        return Outcome(status, *capsys.readouterr())

    return run_command


@pytest.fixture
def cli(run: Cli, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Cli:
    """`run` on a migrated external database."""
    monkeypatch.setenv("AAP_PIPELINE_DATABASE_URL", database_url)
    return run

"""The command line in this process, on a database of the test's own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from aap_pipeline.cli import main
from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.auth import Tokens
from aap_pipeline.database.connection import connect
from aap_pipeline.database.encryption import Cipher, new_key
from aap_pipeline_tests.site import small_world
from aap_simulator.server import SimulatorServer


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


@pytest.fixture
def keyed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`cli` with an encryption key, as an external database needs one."""
    monkeypatch.setenv("AAP_PIPELINE_ENCRYPTION_KEYS", new_key())
    return cli


@pytest.fixture(scope="module")
def server(starts_server: None) -> Iterator[SimulatorServer]:
    """A controller with a little history."""
    with SimulatorServer(small_world(jobs=12)) as server:
        yield server


def current_key() -> str:
    return os.environ["AAP_PIPELINE_ENCRYPTION_KEYS"]


def stored_tokens(database_url: str) -> Tokens:
    """The tokens of cluster a."""
    with connect(database_url) as connection:
        number = cluster_named(connection, "a").id
    return DatabaseTokenStore(database_url, Cipher([current_key()]), number).load()


def names(cli: Cli) -> list[tuple[str, str]]:
    """Name and state of each cluster, as a script reads them."""
    return [(row["name"], row["state"]) for row in json.loads(cli("clusters", "list", "--json").out)]

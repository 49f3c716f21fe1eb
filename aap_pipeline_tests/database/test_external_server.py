"""PostgreSQL 15 as Debian ships it: other options, another version, JIT."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aap_pipeline.database.migrate import migrate
from aap_pipeline.health.doctor import Diagnosis, examine
from aap_pipeline.settings import Settings
from aap_pipeline_tests.runtime.running import wait_for
from aap_pipeline_tests.servers import EXTERNAL, PostgresServer, server_with_default_options

_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_TESTS = Path(__file__).resolve().parents[1]
_REPRESENTATIVE = (
    "marts/test_formula.py",
    "marts/test_dates.py",
    "marts/test_access.py",
    "cli/test_session_settings.py",  # syncs and reports
    "cli/test_sql_read_only.py",
)

pytestmark = pytest.mark.skipif(not _PROGRAMS.is_dir(), reason="Needs PostgreSQL 15: apt-get install postgresql-15")


@pytest.fixture(scope="module")
def delivered(starts_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The server with default options."""
    with server_with_default_options(_PROGRAMS, tmp_path_factory.mktemp("delivered")) as running:
        yield running


def test_what_the_embedded_server_does_an_external_one_does_too(delivered: PostgresServer) -> None:
    """Guards against SQL that needs a newer PostgreSQL, or a setting that only the embedded server has."""
    paths = [_TESTS / each for each in _REPRESENTATIVE]
    command: list[str | Path] = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *paths]
    environment = {**os.environ, EXTERNAL: delivered.administrator_url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-10_000:]


def test_doctor_names_what_slows_or_endangers_a_server_and_its_remedies_work(
    delivered: PostgresServer, tmp_path: Path
) -> None:
    """Guards against a server whose settings make every query slow while every check is green."""
    with delivered.database() as url:
        name = url.rpartition("/")[2]
        migrate(url)
        for setting in (
            "work_mem = '1MB'",
            "enable_hashjoin = off",
            "synchronous_commit = off",
            "standard_conforming_strings = off",
        ):
            delivered.execute(f"ALTER DATABASE {name} SET {setting}")
        delivered.execute("ALTER ROLE postgres SET enable_sort = off")

        def findings() -> list[Diagnosis]:
            return [each for each in examine(Settings(home=tmp_path), url) if each.subject == "server"]

        found = findings()
        assert [(each.verdict, each.text.split(":")[0]) for each in found] == [
            ("warning", "work_mem is 1MB"),
            ("warning", "enable_hashjoin is off"),
            ("warning", "enable_sort is off"),
            ("warning", "fsync is off"),  # as the tests' server has it
            ("warning", "synchronous_commit is off"),
        ]
        for each in found:
            with psycopg.connect(url, autocommit=True) as connection:
                for command in each.text.partition("Remedy: ")[2].split(";"):  # one by one, as psql runs them
                    connection.execute(command.encode())
        wait_for(lambda: [each.verdict for each in findings()] == ["ok"])  # a reload takes a moment
        delivered.execute("ALTER ROLE postgres RESET ALL")
        delivered.execute("ALTER SYSTEM RESET ALL")

"""Dagster's storage as `dagster.yaml` configures it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance, RunsFilter
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.engine import Engine

from aap_pipeline.database.connection import connect
from aap_pipeline.definitions import defs
from aap_pipeline.runtime.instance import dagster_instance
from aap_pipeline.runtime.storage import _engine
from aap_pipeline.settings import Settings

_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

_RUN_AFTER_PRELOADING = """
import sys
from importlib import import_module
from aap_pipeline.runtime.run_launcher import IMPORTED_ONCE
for name in IMPORTED_ONCE:
    import_module(name)
before = set(sys.modules)
from dagster import DagsterInstance
from aap_pipeline.definitions import defs
with DagsterInstance.get() as instance:
    assert defs.resolve_job_def("tidy").execute_in_process(instance=instance).success
LATE = {"aap_pipeline", "dagster_postgres", "sqlalchemy", "psycopg", "upath"}
print(*sorted(name for name in sys.modules.keys() - before if name.partition(".")[0] in LATE))
"""


@contextmanager
def statements() -> Iterator[list[str]]:
    """What this process asks of Dagster's storage in the block."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_a_process_keeps_few_connections_and_survives_their_end(database_url: str, tmp_path: Path) -> None:
    """Guards against a login for each statement, and against a daemon that a restarted server leaves with dead ones."""
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with dagster_instance(settings, database_url) as first, DagsterInstance.get() as second:
        pids = set()
        with connect(database_url, autocommit=True) as connection:
            for instance in (first, second) * 5:
                assert instance.get_runs_count(RunsFilter(job_name="none")) == 0
                assert instance.all_instigator_state() == []
                pids |= {row[0] for row in connection.execute(f"SELECT pid {_OTHERS}".encode())}
            assert len(pids) == 1
            connection.execute(f"SELECT pg_terminate_backend(pid, 10000) {_OTHERS}".encode())
        assert first.get_runs_count() == 0
        assert second.all_instigator_state() == []


def test_tables_that_are_there_are_not_asked_for_one_by_one(database_url: str, tmp_path: Path) -> None:
    """Guards against three logins for each `DagsterInstance`, which a process creates at each tick of a sensor."""
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with dagster_instance(settings, database_url), statements() as said, DagsterInstance.get() as another:
        assert another.get_runs_count() == 0
    assert len(said) == 2


def test_tables_of_an_interrupted_first_start_are_made_anew(database_url: str, tmp_path: Path) -> None:
    """Dagster makes them in many transactions. After a kill in between, each `sync` failed with "Asset checks require a
    database schema migration", for good."""
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with dagster_instance(settings, database_url):
        pass
    with connect(database_url) as connection:
        connection.execute("DROP TABLE dagster.asset_check_executions, dagster.pending_steps")
        connection.execute("DELETE FROM dagster.secondary_indexes WHERE name LIKE 'asset_key%'")
    _engine.cache_clear()
    with dagster_instance(settings, database_url) as instance:
        result = defs.resolve_job_def("tidy").execute_in_process(instance=instance, raise_on_error=False)
        assert instance.get_run_by_id(result.run_id) is not None
    with connect(database_url) as connection:
        connection.execute("UPDATE dagster.runs SET start_time = 1")
        connection.execute("DELETE FROM dagster.secondary_indexes")
    with dagster_instance(settings, database_url) as instance:  # a run started, so nothing is dropped
        assert instance.get_run_by_id(result.run_id) is not None


def test_a_forked_run_finds_everything_imported(database_url: str, tmp_path: Path) -> None:
    """Guards against a tenth of a second of a core for each run, in which it imports what the process that it is
    forked from could have imported once.
    """
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with dagster_instance(settings, database_url):  # makes the tables, which `up` does before any run
        environment = {**os.environ, "AAP_PIPELINE_DATABASE_URL": database_url}
        done = subprocess.run(
            [sys.executable, "-c", _RUN_AFTER_PRELOADING], env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []

"""ADR 14: what the pipeline uses of Dagster that Dagster does not promise, one test per name."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from dagster import DagsterInstance, DefaultRunLauncher
from dagster_postgres import DagsterPostgresStorage
from pydantic import SecretStr

from aap_pipeline.database.connection import connect
from aap_pipeline.runtime.instance import dagster_instance
from aap_pipeline.runtime.supervisor import code_server
from aap_pipeline.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_RECORD = (_ROOT / "docs" / "adr" / "0014-forked-runs-kept-connections.md").read_text(encoding="utf-8")

Check = Callable[[Any], object]


def _fields(*names: str) -> Check:
    return lambda found: [getattr(found, name) for name in names]


def _parameters(*names: str) -> Check:
    return lambda found: [inspect.signature(found).parameters[name] for name in names]


def _options(*flags: str) -> Check:
    def check(command: click.Command) -> None:
        known = {flag for parameter in command.params for flag in parameter.opts}
        assert set(flags) <= known, set(flags) - known

    return check


def _source_has(*texts: str) -> Check:
    return lambda found: [inspect.getsource(found).index(text) for text in texts]


MODULES: dict[str, Check] = {
    "dagster._grpc.types.ExecuteRunArgs": _fields("get_command_args"),
    "dagster._cli.api.execute_run_command": lambda command: (
        isinstance(command, click.Command) or pytest.fail("no command")
    ),
    "dagster._cli.api.grpc_command": _options(
        "--module-name",
        "--location-name",
        "--socket",
        "--log-level",
        "--empty-working-directory",
        "--use-python-environment-entry-point",
    ),
    "dagster._cli.api.grpc_health_check_command": _options("--port"),
    "dagster._daemon.cli.run_command": _options("--log-level", "--workspace"),
    "dagster_webserver.cli.dagster_webserver": _options("--host", "--port", "--dagster-log-level", "--workspace"),
    "dagster._core.launcher.LaunchRunContext": _fields("dagster_run", "job_code_origin"),
    "dagster._core.origin.RepositoryPythonOrigin": _fields("code_pointer", "executable_path"),
    "dagster._core.storage.noop_compute_log_manager.NoOpComputeLogManager": _fields("config_type"),
    "dagster._core.storage.root.LocalArtifactStorage": _fields("config_type"),
    "dagster_celery.launcher.CeleryRunLauncher": _fields("config_type"),
    "dagster_celery.app.app": _fields("tasks"),
    "dagster_postgres.utils.create_pg_engine": _fields("__call__"),
    "dagster_postgres.utils.create_pg_connection": _parameters("engine"),
    "dagster_postgres.utils.pg_url_from_config": _parameters("config_value"),
    "dagster_webserver.webserver.DagsterWebserver": _source_has("/server_info", "/graphql"),
}
"""Modules, classes, functions and commands, and what of each is used."""

TAGS = {
    "dagster/code_location": "dagster._core.storage.tags",
    "dagster/partition": "dagster._core.storage.tags",
    "dagster/priority": "dagster._core.storage.tags",
    "dagster/max_runtime": "dagster._core.storage.tags",
    ".dagster/": "dagster._core.storage.tags",
}
"""Tags, and the module that defines them."""

TABLES = {
    "runs": "id, run_id, status, pipeline_name, partition, update_timestamp",
    "run_tags": "run_id, key, value",
    "asset_check_executions": "run_id",
    "daemon_heartbeats": "daemon_type, timestamp",
    "instigators": "status, instigator_body",
    "event_logs": "run_id",
    "instance_info": "id",
    "jobs": "id",
    "secondary_indexes": "name, migration_completed",
}
"""Tables of Dagster's that SQL of ours reads, with the columns."""


@pytest.mark.parametrize("name", MODULES)
def test_a_name_of_dagsters_is_as_it_is_used(name: str) -> None:
    """Guards against a release of Dagster that renames it: the message of a run would not say so."""
    module, _, attribute = name.rpartition(".")
    if module.startswith("dagster_celery"):
        pytest.importorskip("dagster_celery", reason="needs the extra celery")
    MODULES[name](getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_of_dagsters_is_still_called_so(tag: str) -> None:
    """Guards against a limit per cluster that limits nothing."""
    values = vars(importlib.import_module(TAGS[tag])).values()
    assert any(isinstance(value, str) and value.startswith(tag) for value in values)


def test_the_launcher_has_its_instance() -> None:
    """Guards against a launcher that cannot tag the runs it forks."""
    assert isinstance(inspect.getattr_static(DefaultRunLauncher, "_instance"), property)
    assert {"launch_run", "terminate"} <= vars(DefaultRunLauncher).keys()


def test_the_storages_take_an_engine_and_tables_have_their_columns(database_url: str, tmp_path: Path) -> None:
    """Guards against kept connections that nothing uses, and against SQL on tables that Dagster changed."""
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with dagster_instance(settings, database_url) as instance:
        storage = instance._ref.storage if instance._ref else None
        assert isinstance(storage, DagsterPostgresStorage)
        for each in (storage._run_storage, storage._event_log_storage, storage._schedule_storage):
            assert each._engine is storage._run_storage._engine
        assert DagsterInstance.get().get_ref() == instance.get_ref()
        with connect(database_url) as connection:
            for table, columns in TABLES.items():
                connection.execute(f"SELECT {columns} FROM dagster.{table} LIMIT 0".encode())


def test_the_record_lists_each_of_them_and_nothing_else_is_used() -> None:
    """Guards against a name that is used and neither tested nor written down."""
    listed = set(re.findall(r"`([^`]+)`", _RECORD))
    assert {*MODULES, *TAGS, *(f"dagster.{table}" for table in TABLES)} <= listed
    files = [*(_ROOT / "aap_pipeline").rglob("*.py"), *(_ROOT / "deploy").rglob("*.yaml")]
    used = {name for file in files for name in re.findall(r"dagster\._[a-z_.]+", file.read_text(encoding="utf-8"))}
    tested = [*MODULES, "dagster._daemon", "dagster._serdes"]
    assert [name for name in used if not any(each.startswith(name.rstrip(".")) for each in tested)] == []
    read = {
        table
        for file in (_ROOT / "sql").rglob("*.sql")
        for table in re.findall(r"dagster\.([a-z_]+)", file.read_text())
    }
    assert read <= TABLES.keys()
    assert code_server(Path("/run"))[:3] == ["dagster", "api", "grpc"]

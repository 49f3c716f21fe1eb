"""Dagster's instance: its storage in our PostgreSQL (schema `dagster`), its files under AAP_PIPELINE_HOME."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import URL

from aap_pipeline.database.connection import connect, session_options
from aap_pipeline.database.statements import statement
from aap_pipeline.embedded.server import cannot_write
from aap_pipeline.errors import PipelineError
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

_PACKAGE = Path(__file__).resolve().parent.parent
_ON_THIS_MACHINE = {
    # dagster-postgres's storage with a connection pool (ADR 14).
    "storage": {
        "custom": {
            "module": "aap_pipeline.runtime.storage",
            "class": "PooledPostgresStorage",
            "config": {"postgres_url": {"env": "AAP_PIPELINE_DAGSTER_DATABASE_URL"}},
        }
    },
    # Runs write to the daemon's log. By default, Dagster writes each event, 140 lines per run.
    "python_logs": {"python_log_level": "INFO"},
    # Forks runs from a process that has imported everything, because imports take seconds (ADR 14).
    "run_launcher": {"module": "aap_pipeline.runtime.run_launcher", "class": "ForkingRunLauncher"},
}
"""The keys that `up` and `sync` set in place of those in `dagster.yaml` at the top of the checkout."""


def read_dagster_yaml() -> dict[str, Any]:
    """Return the content of `dagster.yaml` at the top of the checkout, or in the installed wheel."""
    installed = _PACKAGE / "_dagster" / "dagster.yaml"
    file = installed if installed.exists() else _PACKAGE.parent / "dagster.yaml"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def prepare_dagster(settings: Settings, url: str) -> dict[str, str]:
    """Create DAGSTER_HOME and the schema `dagster`, and return the environment of a Dagster process.

    Its storage is in the database at `url`. For the pipeline's own tables, the process reads the address from
    AAP_PIPELINE_DATABASE_URL, or finds the embedded server and its key file below AAP_PIPELINE_HOME.
    """
    create_schema(url)
    home = settings.dagster_home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration = yaml.safe_dump(read_dagster_yaml() | _ON_THIS_MACHINE)
        (home / "dagster.yaml").write_text(configuration, encoding="utf-8")
    except OSError as error:
        raise cannot_write(home, error) from error
    return {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "AAP_PIPELINE_HOME": str(settings.home.absolute()),
        "AAP_PIPELINE_DAGSTER_DATABASE_URL": storage_url(url),
    }


def create_schema(url: str) -> None:
    """Create the schema of Dagster's tables in the database at `url`."""
    with connect(url, autocommit=True) as connection:
        connection.execute(statement("database/create_dagster_schema"))


def storage_url(url: str) -> str:
    """Convert `url` for dagster-postgres: driver psycopg2, our session settings, schema `dagster`."""
    parts = {"port": "5432"} | {name: str(value) for name, value in conninfo_to_dict(url).items()}
    user, password = parts.pop("user", None), parts.pop("password", None)
    parts["options"] = session_options(url, "dagster")
    # Host, port and database as parameters: libpq's form has sockets, several servers and any database name.
    return URL.create("postgresql+psycopg2", user, password, query=parts).render_as_string(hide_password=False)


@contextmanager
def dagster_instance(settings: Settings, url: str) -> Iterator[DagsterInstance]:
    """Yield the instance for runs in this process, which appear in the UI like those of the daemon."""
    from dagster import DagsterInstance

    before = dict(os.environ)
    os.environ.update(prepare_dagster(settings, url))
    try:
        with DagsterInstance.get() as instance:
            yield instance
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def prepare_storage() -> None:
    """Create or upgrade Dagster's tables for the instance in the environment. Raises PipelineError."""
    from dagster import DagsterError, DagsterInstance
    from dagster_postgres.utils import DagsterPostgresException
    from sqlalchemy.exc import SQLAlchemyError

    home = os.environ.get("DAGSTER_HOME")
    if home and Path(home).is_dir() and not Path(home, "dagster.yaml").exists():
        raise PipelineError(f"There is no dagster.yaml in DAGSTER_HOME ({home}). Copy deploy/dagster.yaml to it.")
    try:
        with DagsterInstance.get() as instance:
            instance.upgrade()
    except (DagsterError, DagsterPostgresException, SQLAlchemyError) as error:
        raise PipelineError(
            f"Dagster cannot prepare its tables: {_reason(error)} Check DAGSTER_HOME, its dagster.yaml and the "
            "variables that it names."
        ) from None


def _reason(error: Exception) -> str:
    """Return the line of an error of Dagster or SQLAlchemy that names the cause, without the stack."""
    within = error.__cause__ or error  # dagster-postgres hides SQLAlchemy's error behind "too many retries"
    text = str(getattr(within, "orig", None) or error)
    cause = text.rpartition("PostProcessingError: ")[2].strip().splitlines()[0].strip()
    return cause if cause.endswith(".") else f"{cause}."

"""Dagster's instance: its storage in our PostgreSQL (schema `dagster`), its files under AAP_PIPELINE_HOME."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from aap_pipeline.database.connection import connect, session_options
from aap_pipeline.database.statements import statement
from aap_pipeline.embedded.file_locks import cannot_write
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """Return `dagster.yaml` or `workspace.yaml` of the checkout, or its copy in an installed wheel."""
    installed = _PACKAGE / "_dagster" / name
    return installed if installed.exists() else _PACKAGE.parent / name


def dagster_environment(settings: Settings, url: str) -> dict[str, str]:
    """Return the environment of a Dagster process with its storage in the database at `url`.

    Creates DAGSTER_HOME with `dagster.yaml`, and the schema `dagster`. The database's address is passed as in
    `settings`, so that the process finds the embedded server and its key file.
    """
    home = settings.dagster_home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(shipped("dagster.yaml"), home / "dagster.yaml")
    except OSError as error:
        raise cannot_write(home, error) from error
    with connect(url, autocommit=True) as connection:
        connection.execute(statement("database/create_dagster_schema"))
        storage = storage_url(url, connection.info.server_version)
    return {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "AAP_PIPELINE_HOME": str(settings.home.absolute()),
        "AAP_PIPELINE_DAGSTER_DATABASE_URL": storage,
    }


def storage_url(url: str, server_version: int) -> str:
    """Convert `url` for dagster-postgres: driver psycopg2, our session settings, schema `dagster`."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    user, password = parts.pop("user", ""), parts.pop("password", "")
    host, port, database = parts.pop("host", ""), parts.pop("port", "5432"), parts.pop("dbname", "")
    parts["options"] = session_options(url, "dagster", server_version)
    if host.startswith("/") or "," in host:  # a socket's folder or several servers need libpq's own form
        parts |= {"host": host, "port": port}
        host, port = "", ""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}" if password else quote(user, safe="")
    server = f"{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    return f"postgresql+psycopg2://{login}@{server}/{quote(database, safe='')}?{urlencode(parts, quote_via=quote)}"


@contextmanager
def dagster_instance(settings: Settings, url: str) -> Iterator[DagsterInstance]:
    """Yield the instance for runs in this process, which appear in the UI like those of the daemon."""
    from dagster import DagsterInstance

    environment = dagster_environment(settings, url)
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with DagsterInstance.get() as instance:
            yield instance
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def prepare_storage() -> None:
    """Create or upgrade Dagster's tables for the instance in the environment."""
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        instance.upgrade()


def validate() -> int:
    """Run `dagster definitions validate` in a temporary home with the default storage; return its exit status."""
    with tempfile.TemporaryDirectory() as home:
        Path(home, "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
        # Dagster recommends another tool in a warning, which is suppressed.
        quiet = ["-W", "ignore::UserWarning", "-W", "ignore::FutureWarning"]
        command = [
            sys.executable,
            *quiet,
            "-m",
            "dagster",
            "definitions",
            "validate",
            "-w",
            str(shipped("workspace.yaml")),
        ]
        return subprocess.run(  # noqa: S603 - our own command
            command, env={**os.environ, "DAGSTER_HOME": home}, check=False
        ).returncode


if __name__ == "__main__":
    if sys.argv[1:] == ["validate"]:
        sys.exit(validate())
    prepare_storage()

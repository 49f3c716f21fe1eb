"""Migrate a database to this release's schema: idempotent, serialized by a lock, forward only."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from aap_pipeline.database.connection import connect, describe
from aap_pipeline.database.statements import sql_folder
from aap_pipeline.errors import PipelineError

VERSION_TABLE = "schema_version"
VERSION_TABLE_SCHEMA = "pipeline"
_OLDEST_SERVER = 15
_LOCK = 0x6161705F6D6967  # "aap_mig"


@dataclass(frozen=True)
class SchemaState:
    """The schema version of a `database` (HOST:PORT/NAME): `current`, None if empty, and this release's, `newest`."""

    database: str
    current: str | None
    newest: str

    @property
    def up_to_date(self) -> bool:
        """Whether no migration is pending."""
        return self.current == self.newest

    def require_newest(self) -> None:
        """Raise PipelineError, with the command to run, unless the database has this release's schema."""
        if not self.up_to_date:
            schema = "is empty" if self.current is None else f"has schema {self.current}"
            raise PipelineError(
                f"The database {self.database} {schema}, but this release needs {self.newest}. Run "
                "`aap-pipeline migrate`."
            )


def migrate(url: str) -> SchemaState:
    """Run all pending revisions in one transaction, and return the state before.

    Raises PipelineError for a server older than PostgreSQL 15 and for a database that a newer release has migrated.
    """
    with _locked_connection(url) as connection:
        before = _state(connection, url)
        if not before.up_to_date:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {VERSION_TABLE_SCHEMA}")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return before


def schema_state(url: str) -> SchemaState:
    """Return the state of the database at `url` without changes. Raises PipelineError as `migrate` does."""
    with _locked_connection(url) as connection:
        return _state(connection, url)


def pending_sql() -> str:
    """Return the SQL of all revisions, to review it or to run it by hand."""
    output = io.StringIO()
    config = _config(output)
    command.upgrade(config, "head", sql=True)
    return f"CREATE SCHEMA IF NOT EXISTS {VERSION_TABLE_SCHEMA};\n\n{output.getvalue()}"


def run_sql_file(name: str) -> None:
    """Run `sql/migrations/NAME.sql` in the current revision."""
    text = (sql_folder() / "migrations" / f"{name}.sql").read_text(encoding="utf-8")
    if op.get_context().as_sql:
        op.get_context().impl.static_output(text)  # unchanged: op.execute would double each percent sign
    else:
        # psycopg sends a text without parameters unchanged, with all its statements.
        driver = op.get_bind().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)  # noqa: S101
        driver.execute(text.encode())


@contextmanager
def _locked_connection(url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(url, application_name="aap_pipeline migrate"),
        poolclass=sqlalchemy.pool.NullPool,
    )
    try:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
    except sqlalchemy.exc.DBAPIError as error:
        raise (error.orig or error) from None  # callers handle psycopg's errors


def _state(connection: sqlalchemy.Connection, url: str) -> SchemaState:
    version = connection.execute(sqlalchemy.text("SHOW server_version_num")).scalar_one()
    if int(version) < _OLDEST_SERVER * 10000:
        raise PipelineError(
            f"{describe(url)} is PostgreSQL {int(version) // 10000}, but version {_OLDEST_SERVER} or later is required."
        )
    script = ScriptDirectory.from_config(_config())
    newest = script.get_current_head()
    assert newest is not None, "there is always at least one revision"  # noqa: S101
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "version_table_schema": VERSION_TABLE_SCHEMA}
    )
    current = context.get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise PipelineError(
            f"The database {describe(url)} has schema {current}, newer than this release's ({newest}). Install the "
            "release that migrated it, or a later one."
        )
    return SchemaState(describe(url), current, newest)


def _config(output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config

"""Migrate a database to this release's schema: idempotent, serialized by a lock, forward only."""

from dataclasses import dataclass
from typing import Final

import psycopg

from aap_pipeline.database.connection import Connection, connect, describe
from aap_pipeline.database.statements import sql_folder, statement
from aap_pipeline.errors import PipelineError

REVISIONS: Final = {
    "0001": ("public_schema",),
    "0002": ("pipeline_schema", "archive", "comments"),
    "0003": (
        "marts_tables",
        "marts_settings",
        "marts_rates",
        "marts_access",
        "marts_formula",
        "marts_refresh",
        "marts_views",
        "marts_questions",
        "marts_comments",
    ),
    "0004": ("core", "comments"),
    "0005": ("upkeep", "comments"),
}
"""Every revision with its files `sql/migrations/REVISION_NAME.sql`, in order."""

_NEWEST: Final = max(REVISIONS)
_OLDEST_SERVER: Final = 15
_LOCK: Final = 0x6161705F6D6967  # "aap_mig"


@dataclass(frozen=True)
class SchemaState:
    """The schema version of a `database` (HOST:PORT/NAME): `current`, None if empty, and this release's, `newest`."""

    database: str
    current: str | None
    newest: str = _NEWEST

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
    with connect(url, application_name="aap_pipeline migrate") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        before = state_of(connection, url)
        if not before.up_to_date:
            # psycopg sends a text without parameters unchanged, with all its statements.
            connection.execute(_script(after=before.current or "").encode())
    return before


def schema_state(url: str) -> SchemaState:
    """Return the state of the database at `url` without changes. Raises PipelineError as `migrate` does."""
    with connect(url, application_name="aap_pipeline migrate") as connection:
        return state_of(connection, url)


def all_sql() -> str:
    """Return the SQL of all revisions, to review it or to run it by hand on an empty database."""
    return f"BEGIN;\n\n{_script()}\n\nCOMMIT;\n"


def _script(after: str = "") -> str:
    """Return the SQL of the revisions after `after`, and of the row with the version that they lead to."""
    pending = [f"{revision}_{name}.sql" for revision, names in REVISIONS.items() if revision > after for name in names]
    files = [sql_folder() / "migrations" / name for name in pending]
    store_version = statement("database/store_schema_version").replace("NEWEST", _NEWEST)
    return "\n".join([*(file.read_text(encoding="utf-8") for file in files), store_version])


def state_of(connection: Connection, url: str) -> SchemaState:
    """Return the state of the database at `url`, read by `connection`. Raises PipelineError as `migrate` does."""
    server = connection.info.server_version // 10_000
    if server < _OLDEST_SERVER:
        raise PipelineError(
            f"{describe(url)} is PostgreSQL {server}, but version {_OLDEST_SERVER} or later is required."
        )
    try:
        with connection.transaction():
            row = connection.execute(statement("database/schema_version")).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = None
    if row and row[0] not in REVISIONS:
        raise PipelineError(
            f"The database {describe(url)} has schema {row[0]}, newer than this release's ({_NEWEST}). Install the "
            "release that migrated it, or a later one."
        )
    return SchemaState(describe(url), row[0] if row else None)

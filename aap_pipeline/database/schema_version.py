"""The schema versions of a database and of this release, without Alembic, which takes 0.5 s to import."""

from pathlib import Path

import psycopg

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


def stored_version(connection: Connection) -> str | None:
    """Return the database's revision; None if it is empty; the newest for a role that may not read it.

    Ends the current transaction.
    """
    try:
        row = connection.execute(statement("database/schema_version")).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = None
    except psycopg.errors.InsufficientPrivilege:  # a reader of the marts who runs `aap-pipeline sql`
        row = (newest_version(),)
    connection.rollback()
    return str(row[0]) if row else None


def newest_version() -> str:
    """Return this release's newest revision. The files in migrations/versions are named NUMBER_subject.py."""
    return max(
        path.name.partition("_")[0] for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
    )

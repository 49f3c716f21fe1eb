"""Which schema a database has and which one this release wants, without Alembic, which takes half a second to load."""

from __future__ import annotations

from pathlib import Path

import psycopg

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement


def stored_version(connection: Connection) -> str | None:
    """The revision that the database is at; None where nothing was migrated; the newest
    for a role that may not look. Ends the transaction under way."""
    try:
        row = connection.execute(statement("database/schema_version")).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = None
    except psycopg.errors.InsufficientPrivilege:  # a reader of the marts, who may query them with `aap-pipeline sql`
        row = (newest_version(),)
    connection.rollback()
    return str(row[0]) if row else None


def newest_version() -> str:
    """The newest revision of this release: the files of migrations/versions are named NUMBER_subject.py."""
    return max(
        path.name.partition("_")[0] for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
    )

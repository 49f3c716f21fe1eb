"""Connections to PostgreSQL, with errors that a person can act on."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from aap_pipeline.database.errors import DatabaseUnreachable

Connection = psycopg.Connection[TupleRow]


def connect(url: str, *, autocommit: bool = False, application_name: str = "aap_pipeline") -> Connection:
    """A connection in UTC to the server at `url` (a libpq URL).

    Raises DatabaseUnreachable, which names the server but never the password.
    """
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            application_name=application_name,
            connect_timeout=10,
            options="-c timezone=UTC " + str(_options(url)),
        )
    except psycopg.OperationalError as error:
        reason = _reason(error)
        raise DatabaseUnreachable(
            f"Cannot connect to PostgreSQL at {describe(url)}: {reason}. Check AAP_PIPELINE_DATABASE_URL and that the "
            "server is up."
        ) from None
    except psycopg.ProgrammingError:
        raise DatabaseUnreachable(
            "AAP_PIPELINE_DATABASE_URL is not a PostgreSQL URL: write postgresql://USER:PASSWORD@HOST:5432/DATABASE."
        ) from None


def describe(url: str) -> str:
    """`url` for people: host, port, database; no user, no password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "an address that is not a PostgreSQL URL"
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def _reason(error: psycopg.OperationalError) -> str:
    """What libpq says of the last address that it tried, without repeating the address."""
    last_attempt = str(error).strip().rpartition("connection failed: ")[2]
    return re.sub(
        r"^connection to server .*? failed: (FATAL:\s*)?|^FATAL:\s*|\.$", "", last_attempt.splitlines()[0]
    ).strip()


def _options(url: str) -> str:
    return str(conninfo_to_dict(url).get("options") or "")

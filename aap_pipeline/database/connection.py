"""Connections to PostgreSQL with fixed session settings and actionable errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.errors import PipelineError

Connection = psycopg.Connection[TupleRow]

_SESSION = {
    "timezone": "UTC",
    "datestyle": "ISO,MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "row_security": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "exit_on_error": "off",
    "tcp_keepalives_idle": "30",  # if a client's machine fails, its session and locks end after a minute
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "jit": "off",  # with JIT, a refresh of 2,000 jobs took eight times as long
}
"""Session settings that the statements rely on. They override those of server, database, role and URL. All are
PostgreSQL's defaults except the time zone, `jit`, keepalives and a search path without "$user"."""


def connect(url: str, *, autocommit: bool = False, application_name: str = "aap_pipeline") -> Connection:
    """Open a session with the settings above on the server at `url` (a libpq URL).

    Raises:
        DatabaseUnreachable: names the server but never the password.
        PipelineError: the database cannot hold every character.
    """
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name=application_name,
            connect_timeout=10,
            client_encoding="UTF8",
            options=session_options(url),
        )
        if connection.info.server_version >= 170000:
            connection.execute("SET transaction_timeout = 0")
    except psycopg.OperationalError as error:
        reason = _reason(error)
        raise DatabaseUnreachable(
            f"Cannot connect to PostgreSQL at {describe(url)}: {reason}. Check AAP_PIPELINE_DATABASE_URL and that the "
            "server is running."
        ) from None
    except psycopg.ProgrammingError:
        raise DatabaseUnreachable(
            "AAP_PIPELINE_DATABASE_URL is not a PostgreSQL URL. Use postgresql://USER:PASSWORD@HOST:5432/DATABASE."
        ) from None
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise PipelineError(
            f"The database {describe(url)} has the encoding {encoding}, which cannot store every name that a "
            "controller sends. Create one with CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0; and set "
            "AAP_PIPELINE_DATABASE_URL to it."
        )
    connection.autocommit = autocommit
    return connection


def session_options(url: str, search_path: str = "public") -> str:
    """Build libpq's `options`: those of `url`, then the settings above, which take precedence."""
    settings = _SESSION | {"search_path": search_path}
    ours = (f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())
    return " ".join([str(conninfo_to_dict(url).get("options") or ""), *ours]).strip()


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn psycopg's errors into one actionable message.

    Raises:
        PipelineError: a permanent error: a missing privilege, or a standby server.
        DatabaseUnreachable: a transient error: a lost connection, a full disk, a lock timeout.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise PipelineError(
            f"The role in AAP_PIPELINE_DATABASE_URL lacks a privilege: {error.diag.message_primary}. Use the role that "
            "owns the database and its tables."
        ) from error
    except psycopg.errors.RaiseException as error:  # by our own SQL
        raise PipelineError(str(error.diag.message_primary)) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise PipelineError(
            f"PostgreSQL is read-only: {error.diag.message_primary}. If the server is a standby, set "
            "AAP_PIPELINE_DATABASE_URL to the primary."
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise lost_connection(error) from error


def lost_connection(error: BaseException | None) -> DatabaseUnreachable:
    """Return the error for a lost connection, raised by psycopg or (Dagster's storage) psycopg2."""
    diagnosed = getattr(getattr(error, "diag", None), "message_primary", None)
    reason = str(diagnosed or str(error).strip() or type(error).__name__).splitlines()[0]
    return DatabaseUnreachable(
        f"PostgreSQL closed the connection or rejected a statement: {reason}. Committed data is safe. Try again."
    )


def describe(url: str) -> str:
    """Return host, port and database of `url`, without user and password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "an address that is not a PostgreSQL URL"
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def _reason(error: psycopg.OperationalError) -> str:
    """Return libpq's reason for the last address that it tried, without the address."""
    last_attempt = str(error).strip().rpartition("connection failed: ")[2]
    return re.sub(
        r"^connection to server .*? failed: (FATAL:\s*)?|^FATAL:\s*|\.$", "", last_attempt.splitlines()[0]
    ).strip()

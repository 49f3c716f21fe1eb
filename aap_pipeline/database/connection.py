"""Connections to PostgreSQL, with a session of known settings and errors that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from aap_pipeline.database.errors import DatabaseRefused, DatabaseUnreachable, WrongEncoding

Connection = psycopg.Connection[TupleRow]

_WITH_TRANSACTION_TIMEOUT = 170000
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
    "tcp_keepalives_idle": "30",  # a client whose machine vanished loses its session, and its locks, after a minute
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "jit": "off",  # on a server that compiles, a refresh of 2,000 jobs took eight times as long
}
"""What the statements rely on, whatever the server, the database, the role or the URL sets. PostgreSQL's own defaults,
but for the time zone, `jit`, keepalives, and a search path that no schema named like the role comes before."""


def connect(url: str, *, autocommit: bool = False, application_name: str = "aap_pipeline") -> Connection:
    """Open a session with the settings above on the server at `url` (a libpq URL).

    Raises:
        DatabaseUnreachable: names the server but never the password.
        WrongEncoding: the database cannot hold every character.
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
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise WrongEncoding(
            f"The database {describe(url)} has the encoding {encoding}, which cannot hold every name that a controller "
            "sends. Create one with CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0; and set "
            "AAP_PIPELINE_DATABASE_URL to it."
        )
    if connection.info.server_version >= _WITH_TRANSACTION_TIMEOUT:
        connection.execute("SET transaction_timeout = 0")
    connection.autocommit = autocommit
    return connection


def session_options(url: str, search_path: str = "public", server_version: int = 0) -> str:
    """Build libpq's `options`: those of `url`, then the settings above. The last one of a name counts.

    `server_version` (170002; 0: not known yet) adds what older servers would refuse a connection for.
    """
    settings = {**_SESSION, "search_path": search_path}
    if server_version >= _WITH_TRANSACTION_TIMEOUT:
        settings["transaction_timeout"] = "0"
    ours = (f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())
    return " ".join([str(conninfo_to_dict(url).get("options") or ""), *ours]).strip()


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what a server refuses or cannot do into one sentence.

    Raises:
        DatabaseRefused: trying again cannot help: a right is missing, or the server is a standby.
        DatabaseUnreachable: it can: a connection broke, the disk is full, a lock was not to be had.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseRefused(
            f"The role in AAP_PIPELINE_DATABASE_URL lacks a right: {error.diag.message_primary}. Use the role that "
            "owns the database and its tables."
        ) from error
    except psycopg.errors.RaiseException as error:  # by our own SQL
        raise DatabaseRefused(str(error.diag.message_primary)) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise DatabaseRefused(
            f"The server cannot be written to: {error.diag.message_primary}. If it is a standby, set "
            "AAP_PIPELINE_DATABASE_URL to the primary."
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise lost_connection(error) from error


def lost_connection(error: BaseException | None) -> DatabaseUnreachable:
    """The error for what a driver (psycopg, or psycopg2 under Dagster's storage) raised when a connection broke."""
    diagnosed = getattr(getattr(error, "diag", None), "message_primary", None)
    reason = str(diagnosed or str(error).strip() or type(error).__name__).splitlines()[0]
    return DatabaseUnreachable(
        f"PostgreSQL ended the connection or refused the work: {reason}. What was committed is safe; run it again."
    )


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

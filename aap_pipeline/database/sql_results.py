"""Run a user's SQL: several statements, all result sets, errors with line and column."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.string import TextLoader

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.read_only import QUERIES, Statement, execute_read_only, read_only_session, statements
from aap_pipeline.errors import PipelineError

_NAME = "aap_pipeline sql"


@dataclass(frozen=True)
class ResultSet:
    """The result of one statement: its rows, its `columns` (None if it returns no rows) and its command tag."""

    columns: Sequence[str] | None
    rows: Sequence[Sequence[Any]]
    status: str

    def names(self) -> list[str]:
        """Return the names of the columns. The second column with the same name becomes NAME_2."""
        names: list[str] = []
        for name in self.columns or ():
            same = sum(1 for earlier in (self.columns or ())[: len(names)] if earlier == name)
            names.append(f"{name}_{same + 1}" if same else name)
        return names

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by column name."""
        names = self.names()
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def run(url: str, text: str, *, write: bool = False) -> list[ResultSet]:
    """Run all statements of `text` as one transaction (unless they begin their own) and return each one's result.

    Without `write` the statements cannot change anything. Raises PipelineError with line and column.
    """
    if not write:
        with read_only_session(url, _NAME) as session:
            _show_all_times(session)
            return [_read(session, each, text) for each in statements(text)]
    with connect(url, autocommit=True, application_name=_NAME) as connection:
        _show_all_times(connection)
        with _sql_errors(connection, text):
            cursor = connection.execute(text.encode())  # without parameters the text is sent unchanged
            results = [_result(cursor)]
            while cursor.nextset():
                results.append(_result(cursor))
    return results


def _read(session: Connection, query: Statement, text: str) -> ResultSet:
    if query.keyword not in QUERIES:
        allowed = f"{', '.join(QUERIES[:-1])} or {QUERIES[-1]}"
        raise PipelineError(
            f"Without --write only {allowed} may run, not {query.keyword or query.text.strip()}. Nothing was changed. "
            "To allow changes, add --write."
        )
    with _sql_errors(session, text, query.offset):
        return _result(execute_read_only(session, query))


@contextmanager
def _sql_errors(connection: Connection, text: str, offset: int = 0) -> Iterator[None]:
    """Raise PipelineError for an error in the part of `text` that begins at `offset`."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        if connection.info.transaction_status is TransactionStatus.ACTIVE:  # a COPY that waits for the client
            connection.close()
            raise PipelineError(
                "COPY from STDIN or to STDOUT needs psql. To print CSV, use a query with --csv."
            ) from error
        raise PipelineError(_sentence(error, text, offset)) from error


def _show_all_times(connection: Connection) -> None:
    for name, loader in (("date", DateLoader), ("timestamp", TimestampLoader), ("timestamptz", TimestamptzLoader)):
        connection.adapters.register_loader(name, type("AsWritten", (_AsWritten, loader), {}))
    connection.adapters.register_loader("interval", TextLoader)


class _AsWritten:
    """Load infinity and years beyond 9999, which Python's types cannot hold, as PostgreSQL's text."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)  # type: ignore[misc]
        except psycopg.DataError:
            return bytes(data).decode()


def _result(cursor: psycopg.Cursor[Any]) -> ResultSet:
    status = cursor.statusmessage or ""
    if cursor.description is None:
        return ResultSet(None, (), status)
    return ResultSet([column.name for column in cursor.description], cursor.fetchall(), status)


def _sentence(error: psycopg.Error, text: str, offset: int) -> str:
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return f"Nothing was changed: {error.diag.message_primary}. To allow changes, add --write."
    message = error.diag.message_primary or str(error).strip().splitlines()[0]
    place = ""
    if error.diag.statement_position:
        before = text[: offset + int(error.diag.statement_position) - 1]
        line = before.count("\n") + 1
        place = f" at line {line}, column {len(before) - before.rfind(chr(10))}"
    extra = [part for part in (error.diag.message_detail, error.diag.message_hint) if part]
    return " ".join([f"The SQL failed{place}: {message.rstrip('.')}.", *extra])

"""Run a user's SQL: several statements, all result sets, errors with line and column; by default without changes.

A read-only transaction alone does not suffice: until its first query it can be made writable; COMMIT ends it;
PostgreSQL 15 lets it create large objects; and a superuser can call functions that write files or end sessions.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.string import TextLoader

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError

_NAME = "aap_pipeline sql"
_QUERIES = ("SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW", "SET", "RESET")
"""Keywords that may begin a statement without --write. None of them can end the transaction."""

_LETTER = r"[A-Za-z_\x80-\U0010ffff]"
_TOKEN = re.compile(
    rf"""(?P<comment>--[^\r\n]*|/\*) | ;
    | [eE]'(?:[^'\\]|\\.|'')*' | '[^']*' | "[^"]*"
    | \$(?P<tag>(?:{_LETTER}(?:{_LETTER}|\d)*)?)\$.*?\$(?P=tag)\$
    | {_LETTER}(?:{_LETTER}|[\d$])*""",
    re.DOTALL | re.VERBOSE,
)


class Statement(NamedTuple):
    """One statement: its offset in the whole text, its first word in capitals, and its text."""

    offset: int
    keyword: str
    text: str


@dataclass(frozen=True)
class ResultSet:
    """The result of one statement: its rows, its `columns` (None if it returns no rows) and its command tag.

    The second column with the same name is NAME_2.
    """

    columns: Sequence[str] | None
    rows: Sequence[Sequence[Any]]
    status: str

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by column name."""
        return [dict(zip(self.columns or (), row, strict=True)) for row in self.rows]


def run(url: str, text: str, *, write: bool = False) -> list[ResultSet]:
    """Run all statements of `text` as one transaction (unless they begin their own) and return each one's result.

    Without `write` the statements cannot change anything. Raises PipelineError with line and column.
    """
    if not write:
        with read_only_session(url) as session:
            return [_read(session, each, text) for each in statements(text)]
    with connect(url, autocommit=True, application_name=_NAME) as connection:
        _show_as_written(connection)
        with _sql_errors(connection, text):
            cursor = connection.execute(text.encode())  # without parameters the text is sent unchanged
            results = [_result(cursor)]
            while cursor.nextset():
                results.append(_result(cursor))
    return results


@contextmanager
def read_only_session(url: str) -> Iterator[Connection]:
    """Open a session that cannot change anything. Its transaction is rolled back at the end of the block."""
    with (
        connect(url, autocommit=True) as owner,
        _harmless(owner, url) as reader,
        closing(connect(reader, application_name=_NAME)) as session,
    ):
        session.read_only = True
        _show_as_written(session)
        yield session


def _read(session: Connection, query: Statement, text: str) -> ResultSet:
    if query.keyword not in _QUERIES:
        allowed = f"{', '.join(_QUERIES[:-1])} or {_QUERIES[-1]}"
        raise PipelineError(
            f"Without --write only {allowed} may run, not {query.keyword or query.text.strip()}. Nothing was changed. "
            "To allow changes, add --write."
        )
    with _sql_errors(session, text, query.offset):
        session.execute("SELECT 1")  # after its first query, a read-only transaction cannot be made writable
        return _result(session.execute(query.text.encode(), prepare=True))  # PostgreSQL prepares one statement only


def _show_as_written(connection: Connection) -> None:
    """Load times as PostgreSQL's text, because Python's types cannot hold infinity and years beyond 9999."""
    for name in ("date", "timestamp", "timestamptz", "interval"):
        connection.adapters.register_loader(name, TextLoader)


def statements(text: str) -> Iterator[Statement]:
    """Split SQL after its semicolons, as PostgreSQL's lexer does. Skips empty statements and comments."""
    code, ends, position = text, [0], 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match["comment"]:
            if match["comment"] == "/*":
                position = _comment_end(text, match.start())
            code = code[: match.start()] + " " * (position - match.start()) + code[position:]
        elif match[0] == ";":
            ends.append(position)
    for begin, end in pairwise([*ends, len(text)]):
        word = re.match(r"[\s(]*(\w*)", code[begin:end])
        if code[begin:end].strip().strip(";") and word:
            yield Statement(begin, word[1].upper(), text[begin:end])


def _comment_end(text: str, begin: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[begin:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return begin + mark.end()
    return len(text)


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


def _result(cursor: psycopg.Cursor[Any]) -> ResultSet:
    status = cursor.statusmessage or ""
    if cursor.description is None:
        return ResultSet(None, (), status)
    names = [column.name for column in cursor.description]
    same = [names[:index].count(name) for index, name in enumerate(names)]
    distinct = [f"{name}_{before + 1}" if before else name for name, before in zip(names, same, strict=True)]
    return ResultSet(distinct, cursor.fetchall(), status)


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


@contextmanager
def _harmless(owner: Connection, url: str) -> Iterator[str]:
    """Yield the URL of a role that is not, and cannot become, a superuser.

    If the role of `url` is or can become a superuser, create a read-only login role for the block, because a superuser
    can undo any session setting. The next block drops the roles of killed ones.
    """
    if not owner.execute(statement("database/may_be_superuser")).fetchall():
        yield url
        return
    for (left,) in owner.execute(statement("database/left_sql_roles")).fetchall():
        owner.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(left)))
    name, password = f"aap_pipeline_sql_{secrets.token_hex(8)}", secrets.token_urlsafe(24)
    verifier = owner.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    until = owner.execute("SELECT (now() + interval '10 min')::text").fetchall()[0][0]  # limits logins, not sessions
    create = "CREATE ROLE {} LOGIN BYPASSRLS PASSWORD {} VALID UNTIL {} IN ROLE pg_read_all_data, bi_reader"
    owner.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(verifier), sql.Literal(until)))
    try:
        yield make_conninfo(url, user=name, password=password)
    except DatabaseUnreachable as error:
        raise DatabaseUnreachable(
            f"{error} The role in AAP_PIPELINE_DATABASE_URL is a superuser, so SQL without --write runs as a temporary "
            "login role. Use an ordinary role in the URL, or add --write."
        ) from None
    finally:
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

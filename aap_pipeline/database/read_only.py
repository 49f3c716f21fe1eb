"""A session in which a user's SQL cannot change anything.

A read-only transaction alone does not suffice: until its first query it can be made writable; COMMIT ends it;
PostgreSQL 15 lets it create large objects; and a superuser can call functions that write files or end sessions.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from psycopg import Cursor, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.database.statements import statement

QUERIES = ("SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW", "SET", "RESET")
"""Keywords that may begin a statement. None of them can end the transaction."""

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


@contextmanager
def read_only_session(url: str, application_name: str) -> Iterator[Connection]:
    """Open a session for `execute_read_only`. Its transaction is rolled back at the end of the block."""
    with (
        connect(url, autocommit=True) as owner,
        _harmless(owner, url) as reader,
        closing(connect(reader, application_name=application_name)) as session,
    ):
        session.read_only = True
        yield session


def execute_read_only(session: Connection, query: Statement) -> Cursor[TupleRow]:
    """Run one statement in the read-only transaction of `session`. PostgreSQL rejects more than one."""
    session.execute("SELECT 1")  # after its first query, a read-only transaction cannot be made writable
    return session.execute(query.text.encode(), prepare=True)  # PostgreSQL prepares single statements only


def statements(text: str) -> Iterator[Statement]:
    """Split SQL at its semicolons, as PostgreSQL's lexer does. Skips empty statements and comments."""
    code, begin, position = text, 0, 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match["comment"]:
            if match["comment"] == "/*":
                position = _comment_end(text, match.start())
            code = code[: match.start()] + " " * (position - match.start()) + code[position:]
        elif match[0] == ";":
            yield from _statement(text, code, begin, match.start())
            begin = position
    yield from _statement(text, code, begin, len(text))


def _statement(text: str, code: str, begin: int, end: int) -> Iterator[Statement]:
    word = re.match(r"[\s(]*(\w*)", code[begin:end])
    if code[begin:end].strip() and word:
        yield Statement(begin, word[1].upper(), text[begin:end])


def _comment_end(text: str, begin: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[begin:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return begin + mark.end()
    return len(text)


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

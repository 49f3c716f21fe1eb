"""A session that can change nothing, whatever the SQL says that a person runs in it.

Four things together, because none suffices alone: a read-only transaction may be made to write until its first query;
COMMIT ends it; PostgreSQL 15 lets it make large objects; and a superuser writes files and ends sessions by functions
that no transaction holds back.
"""

from __future__ import annotations

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
"""What may begin a statement: none of these can end the transaction."""

_LETTER = r"[A-Za-z_\x80-\U0010ffff]"
_TOKEN = re.compile(
    rf"""(?P<comment>--[^\r\n]*|/\*) | ;
    | [eE]'(?:[^'\\]|\\.|'')*' | '[^']*' | "[^"]*"
    | \$(?P<tag>(?:{_LETTER}(?:{_LETTER}|\d)*)?)\$.*?\$(?P=tag)\$
    | {_LETTER}(?:{_LETTER}|[\d$])*""",
    re.DOTALL | re.VERBOSE,
)


class Statement(NamedTuple):
    """One statement: where it begins in the whole text, the word that it begins with, in capitals, and its text."""

    offset: int
    keyword: str
    text: str


@contextmanager
def read_only_session(url: str, application_name: str) -> Iterator[Connection]:
    """Open a session for `execute_read_only` for the block; what it did is rolled back."""
    with (
        connect(url, autocommit=True) as owner,
        _harmless(owner, url) as reader,
        closing(connect(reader, application_name=application_name)) as session,
    ):
        session.read_only = True
        yield session


def execute_read_only(session: Connection, query: Statement) -> Cursor[TupleRow]:
    """Run one statement in the read-only transaction of `session`; more than one is an error of PostgreSQL's."""
    session.execute("SELECT 1")  # from its first query on, nothing can make a transaction write
    return session.execute(query.text.encode(), prepare=True)  # PostgreSQL prepares no two statements at once


def statements(text: str) -> Iterator[Statement]:
    """Split SQL at its semicolons, as PostgreSQL's lexer does; leave out what is empty or a comment."""
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
    """Comments nest."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[begin:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return begin + mark.end()
    return len(text)


@contextmanager
def _harmless(owner: Connection, url: str) -> Iterator[str]:
    """URL of a session that is not a superuser's and cannot become one.

    That is `url`, unless its role is or can become a superuser: then it is that of a login role that may only read,
    made for the block. No setting would do: a superuser can take back each. The next block drops the role of one
    that was killed.
    """
    if not owner.execute(statement("database/may_be_superuser")).fetchall():
        yield url
        return
    for (left,) in owner.execute(statement("database/left_sql_roles")).fetchall():
        owner.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(left)))
    name, password = f"aap_pipeline_sql_{secrets.token_hex(8)}", secrets.token_urlsafe(24)
    verifier = owner.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    until = owner.execute("SELECT (now() + interval '10 min')::text").fetchall()[0][0]  # to log in, not to stay
    create = "CREATE ROLE {} LOGIN BYPASSRLS PASSWORD {} VALID UNTIL {} IN ROLE pg_read_all_data, bi_reader"
    owner.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(verifier), sql.Literal(until)))
    try:
        yield make_conninfo(url, user=name, password=password)
    except DatabaseUnreachable as error:
        raise DatabaseUnreachable(
            f"{error} Without --write, SQL runs as a login role that is made for it, because the role in "
            "AAP_PIPELINE_DATABASE_URL is a superuser: name an ordinary role there, or give --write."
        ) from None
    finally:
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

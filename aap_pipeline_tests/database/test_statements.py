"""Every statement can be read alone: what it is for stands on top, and it names the columns that it reads or writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import aap_pipeline
from aap_pipeline.database.statements import sql_folder

_FILES = sorted(path for path in sql_folder().rglob("*.sql"))
_PACKAGE = Path(aap_pipeline.__file__).parent
_NAME = r"(?:\w|%(?:\d\$)?[sI])+"  # with the placeholders of format()
_TOKEN = re.compile(
    rf"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|\$\w*\$|%\(\w+\)s|{_NAME}(?:\.{_NAME})*|\S", re.DOTALL
)
_VERB = re.compile(r"\s*(?:--.*\n\s*)*(?:SELECT|INSERT|WITH|COPY|CREATE|UPDATE|DELETE|MERGE|TABLE)\s", re.IGNORECASE)


def _tokens(sql: str) -> list[str]:
    """Tokens in capitals, without comments and the quotes around a function's body; literals as ''."""
    found = (match[0] for match in _TOKEN.finditer(sql))
    kept = (token for token in found if not token.startswith(("--", "/*", "$")))
    return ["''" if token.startswith("'") else token.upper() for token in kept]


def faults(sql: str) -> Iterator[str]:
    """Places at which the columns are those that a table happens to have, in the order that it happens to have.

    Statements in literals, as EXECUTE has them, are searched as well.
    """
    for literal in re.findall(r"'((?:[^']|'')*)'", re.sub(r"--[^\n]*", "", sql)):
        if _VERB.match(literal):
            yield from faults(literal.replace("''", "'"))
    tokens = [*_tokens(sql), "", "", "", ""]
    for at, token in enumerate(tokens):
        before, after = tokens[at - 1] if at else "", tokens[at + 1 : at + 5]
        around = " ".join(tokens[max(at - 3, 0) : at + 4])
        if token == "*":
            ends = after[0] in ("FROM", ",", ")", ";", "INTO", "UNION", "")
            if before in ("SELECT", "ALL", "DISTINCT", ",", ".", "RETURNING") or (ends and before != "("):
                yield f"all columns: {around}"
        elif token == "TABLE" and before in ("(", ";", "AS", "ALL"):
            yield f"all columns: {around}"
        elif token == "INSERT" and after[0] in ("INTO", "VALUES"):
            rest = tokens[at + 2 :]
            rest = rest[3:] if rest[1] == "AS" else rest[1:]
            named = rest[0] == "(" and rest[1] not in ("SELECT", "VALUES", "WITH", "TABLE")
            if after[0] == "VALUES" or not (named or rest[:2] == ["DEFAULT", "VALUES"]):
                yield f"no columns: {around}"
        elif token == "COPY" and after[0] != "(" and after[1] in ("FROM", "TO"):
            yield f"no columns: {around}"


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(sql_folder())))
def test_a_statement_begins_with_what_it_is_for_and_names_its_columns(path: Path) -> None:
    """Guards against SQL that only its author understands, and against a new column that shifts or joins others."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    assert list(faults(text)) == []


@pytest.mark.parametrize("path", sorted(_PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(_PACKAGE)))
def test_sql_in_python_names_its_columns(path: Path) -> None:
    """Guards against the same where a statement stands in the code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _VERB.match(node.value):
            assert list(faults(node.value)) == [], node.lineno


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t",
        "SELECT\n  *\nFROM t",
        "SELECT DISTINCT * FROM t",
        "SELECT DISTINCT ON (a) * FROM t",
        "SELECT a, * FROM t",
        "SELECT t.*, a FROM t",
        'SELECT "T" . * FROM "T"',
        "SELECT (r).* FROM t",
        "SELECT a, (SELECT * FROM u LIMIT 1)",
        "DELETE FROM t RETURNING *",
        "WITH x AS (DELETE FROM t RETURNING t.*) SELECT a FROM x",
        "CREATE VIEW v AS SELECT a FROM t UNION ALL SELECT * FROM u",
        "CREATE VIEW v AS TABLE t",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ INSERT INTO t VALUES (1) $$",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $body$ SELECT * FROM t $body$",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO s.t SELECT a FROM u",
        "INSERT INTO t (SELECT a FROM u)",
        "INSERT INTO t AS x VALUES (1)",
        "INSERT INTO t -- (a)\nVALUES (1)",
        "MERGE INTO t USING u ON a = b WHEN NOT MATCHED THEN INSERT VALUES (1)",
        "COPY t FROM STDIN",
        "COPY s.t TO STDOUT",
        "SELECT '--', * FROM t",
        "DO $$ BEGIN EXECUTE format('INSERT INTO %1$I SELECT a FROM t', x); END $$",
        "DO $$ BEGIN EXECUTE format('INSERT INTO s.t_%s SELECT a FROM t', x); END $$",
    ],
)
def test_what_names_no_columns_is_found(sql: str) -> None:
    """Guards against a search that finds nothing because it understands nothing."""
    assert list(faults(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*), count( * ) FILTER (WHERE a) FROM t",
        "SELECT count(*) * 2, a * b, (a + b) * c, a *(b), 2 * 3 FROM t",
        "SELECT sum(a) * -1",
        "SELECT a -- SELECT * FROM t\nFROM t /* t.* */",
        "SELECT '* FROM t', 'it''s *', \"*\" FROM t",
        "INSERT INTO t (a) VALUES (1)",
        "INSERT INTO s.t AS x (a, b) SELECT a, b FROM u",
        "INSERT INTO t DEFAULT VALUES",
        "DO $$ BEGIN EXECUTE format('INSERT INTO s.t_%1$s (%2$s) SELECT %2$s FROM t', x, y); END $$",
        "MERGE INTO t USING u ON a = b WHEN NOT MATCHED THEN INSERT (a) VALUES (1)",
        "COPY t (a) FROM STDIN",
        "COPY (SELECT a FROM t) TO STDOUT",
        "CREATE TABLE t (a int)",
    ],
)
def test_what_names_its_columns_passes(sql: str) -> None:
    """Guards against a product or a count that is taken for all columns."""
    assert list(faults(sql)) == []

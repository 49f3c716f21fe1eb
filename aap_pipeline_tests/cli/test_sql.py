"""`aap-pipeline sql`: a person's SQL, safe by default, every value to be seen."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from aap_pipeline_tests.cli.conftest import Cli


def test_nulls_empty_text_and_exact_decimals_can_be_told_apart(cli: Cli) -> None:
    """Guards against a NULL that looks like nothing, and money that becomes a float."""
    query = "SELECT NULL AS nothing, '' AS empty, 12345678901234567.10::numeric AS money, true AS yes, '[red]' AS tag"
    table = cli("sql", query)
    assert (table.status, table.err) == (0, "")
    for expected in ("NULL", "12345678901234567.10", "true", "[red]", "(1 row)"):
        assert expected in table.out
    assert cli("sql", "--csv", query).out.splitlines() == [
        "nothing,empty,money,yes,tag",
        ',"",12345678901234567.10,true,[red]',
    ]
    assert '"money": 12345678901234567.10' in cli("sql", "--json", query).out


def test_several_statements_give_several_results(cli: Cli, tmp_path: Path) -> None:
    """Guards against a file of which only the first statement runs."""
    file = tmp_path / "queries.sql"
    file.write_text("-- a comment; with a semicolon\nSELECT 1 AS a; SELECT 2 AS b, 3 AS b;", encoding="utf-8")
    assert json.loads(cli("sql", "--json", "-f", str(file)).out) == [[{"a": 1}], [{"b": 2, "b_2": 3}]]
    assert cli("sql", "--csv", "-f", str(file)).out == "a\n1\n\nb,b_2\n2,3\n"


def test_dates_beyond_python_are_shown_as_postgresql_writes_them(cli: Cli) -> None:
    """Guards against an open-ended backfill, whose end is infinity, that cannot be looked at."""
    query = "SELECT 'infinity'::timestamptz AS a, '-infinity'::date AS b, '10000-01-01'::timestamp AS c"
    assert json.loads(cli("sql", "--json", query).out) == [
        {"a": "infinity", "b": "-infinity", "c": "10000-01-01 00:00:00"}
    ]


def test_numbers_and_intervals_are_shown_as_postgresql_writes_them(cli: Cli) -> None:
    """Guards against savings of 0E-11, and intervals that Python's type cannot hold or writes otherwise."""
    query = "SELECT 0::numeric(30, 11), 1e-9, 'NaN'::numeric, interval '-1 hour', interval '99999999 years'"
    assert cli("sql", "--csv", query).out.splitlines()[1] == ("0.00000000000,0.000000001,NaN,-01:00:00,99999999 years")


@pytest.mark.parametrize("statement", ["COPY clusters_costs TO STDOUT", "COPY clusters_costs FROM STDIN"])
def test_a_copy_that_needs_a_client_is_refused_in_one_line(
    cli: Cli, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Guards against advice for programmers, and a warning about a connection in the middle of a COPY."""
    outcome = cli("sql", "--write", statement)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "Error: COPY from STDIN or to STDOUT needs psql. To print CSV, use a query with --csv.\n"
    assert caplog.records == []


def test_sql_comes_from_standard_input_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a command that cannot stand in a pipe."""
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 42 AS answer"))
    assert json.loads(cli("sql", "--json").out) == [{"answer": 42}]


def test_nothing_changes_without_write(cli: Cli) -> None:
    """Guards against a DELETE pasted by mistake."""
    refused = cli("sql", "DELETE FROM clusters_costs")
    assert refused.status == 1
    assert refused.err == (
        "Error: Without --write only SELECT, WITH, VALUES, TABLE, EXPLAIN, SHOW, SET or RESET may run, not DELETE. "
        "Nothing was changed. To allow changes, add --write.\n"
    )
    assert json.loads(cli("sql", "--json", "SELECT count(*) FROM clusters_costs").out) == [{"count": 2}]


def test_with_write_several_statements_are_one_transaction(cli: Cli) -> None:
    """Guards against half a script applied."""
    assert cli("sql", "--write", "DELETE FROM clusters_costs; SELECT 1/0").status == 1
    assert json.loads(cli("sql", "--json", "SELECT count(*) FROM clusters_costs").out) == [{"count": 2}]
    assert "DELETE 2" in cli("sql", "--write", "DELETE FROM clusters_costs").out


def test_a_mistake_is_one_line_with_its_place(cli: Cli) -> None:
    """Guards against tracebacks and against hunting for the mistake in a long file."""
    outcome = cli("sql", "SELECT 1;\nSELECT wrong FROM clusters_job")
    assert outcome.status == 1
    assert outcome.err == 'Error: The SQL failed at line 2, column 8: column "wrong" does not exist.\n'


def test_a_long_result_says_that_it_is_cut(cli: Cli) -> None:
    """Guards against a table that silently ends, and against a terminal flooded."""
    out = cli("sql", "--max-rows", "2", "SELECT generate_series(1, 1500)").out
    assert "(1,500 rows, the first 2 shown: --max-rows or --csv for more)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sql", "-f", "/nonexistent.sql"], "'/nonexistent.sql': No such file or directory"),
        (["sql", "SELECT 1", "-f", __file__], "not both"),
        (["sql", " "], "The SQL is empty"),
    ],
)
def test_a_missing_query_is_said(cli: Cli, arguments: list[str], message: str) -> None:
    """Guards against a command that waits for nothing or succeeds without doing anything."""
    outcome = cli(*arguments)
    assert outcome.status in (1, 2)
    assert message in outcome.err

"""The data dictionary says what is in the database, all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aap_pipeline.database.columns import COLUMNS_FILE
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.statements import statement
from aap_pipeline_tests.database import specification
from docs.dictionary import additions, render, render_columns

_FILE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


@pytest.fixture
def catalog(shared_database_url: str) -> Iterator[Connection]:
    """A connection that changes nothing, to a database shared with other such tests."""
    with connect(shared_database_url) as connection:
        yield connection


def test_the_dictionary_is_what_the_database_says(catalog: Connection) -> None:
    """Guards against a dictionary that was not made anew after a migration: run `make docs`."""
    assert render(catalog) == _FILE.read_text(encoding="utf-8")
    assert render_columns(catalog) == COLUMNS_FILE.read_text(encoding="utf-8")


def test_every_table_and_column_says_what_it_holds(catalog: Connection) -> None:
    """Guards against a column that only its author understands: add a COMMENT to its migration."""
    rows = catalog.execute(statement("database/dictionary")).fetchall()
    silent = {f"{row[0]}.{row[1]}" for row in rows if not row[3]} | {
        f"{row[0]}.{row[1]}.{row[4]}" for row in rows if not row[9]
    }
    assert silent == set()


def test_additions_are_exactly_what_the_specification_does_not_have(catalog: Connection) -> None:
    """Guards against an addition that passes for a part of the specification, or the other way round."""
    specified: dict[str, set[str]] = {}
    for column in specification.columns():
        specified.setdefault(column.table, set()).add(column.name)
    marked = additions()
    for table, names in specified.items():
        found = catalog.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            [table],
        ).fetchall()
        assert {name for (name,) in found} - names == marked[table], table

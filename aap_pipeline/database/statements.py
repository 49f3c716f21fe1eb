"""The SQL files: one statement per file, read once, run with bound parameters only."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

from psycopg import sql
from psycopg.rows import dict_row

from aap_pipeline.database.connection import Connection

_PACKAGE = Path(__file__).resolve().parent.parent


def sql_folder() -> Path:
    """Return the folder `sql/` of the checkout, or its copy in an installed wheel."""
    installed = _PACKAGE / "_sql"
    return installed if installed.is_dir() else _PACKAGE.parent / "sql"


@cache
def statement(name: LiteralString) -> LiteralString:
    """Return the text of `sql/NAME.sql`. It is a LiteralString because only column names are formatted into it."""
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")  # type: ignore[return-value,unused-ignore]


def listed(columns: Iterable[str], *relation: str) -> sql.Composed:
    """Return column names, qualified by `relation` if given, for `SQL(statement(NAME)).format(columns=listed(…))`."""
    return sql.SQL(", ").join(sql.Identifier(*relation, column) for column in columns)


def select(
    connection: Connection, name: LiteralString, values: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """Run `sql/NAME.sql`, and return its rows by column name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement(name), values).fetchall()

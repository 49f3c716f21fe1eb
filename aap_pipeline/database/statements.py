"""The SQL files: one named statement each, read once, run with bound parameters only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import LiteralString

from psycopg import sql

_PACKAGE = Path(__file__).resolve().parent.parent


def sql_folder() -> Path:
    """The folder `sql/` of the checkout, or the copy of it inside an installed wheel."""
    installed = _PACKAGE / "_sql"
    return installed if installed.is_dir() else _PACKAGE.parent / "sql"


@cache
def statement(name: LiteralString) -> LiteralString:
    """The text of `sql/NAME.sql`, for example `statement("core/upsert_jobs")`.

    The files are ours, and nothing but names of columns is ever put into them (`listed`), which is what LiteralString
    stands for.
    """
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")  # type: ignore[return-value,unused-ignore]


def listed(columns: Iterable[str], *relation: str) -> sql.Composed:
    """Names of columns, of `relation` if given, for `SQL(statement(NAME)).format(columns=listed(…))`."""
    return sql.SQL(", ").join(sql.Identifier(*relation, column) for column in columns)

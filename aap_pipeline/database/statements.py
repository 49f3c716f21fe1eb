"""The SQL files: one named statement each, read once, run with bound parameters only."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import LiteralString

_PACKAGE = Path(__file__).resolve().parent.parent


def sql_folder() -> Path:
    """The folder `sql/` of the checkout, or the copy of it inside an installed wheel."""
    installed = _PACKAGE / "_sql"
    return installed if installed.is_dir() else _PACKAGE.parent / "sql"


@cache
def statement(name: LiteralString) -> LiteralString:
    """The text of `sql/NAME.sql`, for example `statement("core/upsert_jobs")`.

    The files are ours and nothing is ever formatted into them, which is what LiteralString stands for.
    """
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")  # type: ignore[return-value,unused-ignore]

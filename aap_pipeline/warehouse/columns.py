"""The columns of every table with their meaning, from a file that is made with the data dictionary."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

COLUMNS_FILE = Path(__file__).with_name("columns.json")


@cache
def columns() -> dict[str, list[list[str]]]:
    """{schema.table: [[column, type, meaning], …]}, in the table's order."""
    found: dict[str, list[list[str]]] = json.loads(COLUMNS_FILE.read_text(encoding="utf-8"))
    return found

"""The comments of every table and column, from a file that `make docs` generates with the data dictionary."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

COLUMNS_FILE = Path(__file__).with_name("columns.json")


@dataclass(frozen=True)
class Table:
    """A table or view: its comment, and its columns in order, each (name, type, comment)."""

    meaning: str
    columns: Sequence[tuple[str, str, str]]


@cache
def tables() -> Mapping[str, Table]:
    """Return every table and view by schema.name."""
    found = json.loads(COLUMNS_FILE.read_text(encoding="utf-8"))
    return {name: Table(meaning, [tuple(column) for column in columns]) for name, (meaning, columns) in found.items()}

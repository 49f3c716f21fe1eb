"""What the catalog's comments say of every table and column, from a file that is made with the data dictionary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

COLUMNS_FILE = Path(__file__).with_name("columns.json")


@dataclass(frozen=True)
class Table:
    """A table or view: what it holds, and its columns in order, each (name, type, meaning)."""

    meaning: str
    columns: Sequence[tuple[str, str, str]]


@cache
def tables() -> Mapping[str, Table]:
    """Every table and view, by schema.name."""
    found = json.loads(COLUMNS_FILE.read_text(encoding="utf-8"))
    return {name: Table(meaning, [tuple(column) for column in columns]) for name, (meaning, columns) in found.items()}

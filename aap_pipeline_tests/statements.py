"""The statements of sql/ by name, and what psycopg sends of them in a test."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Any

import psycopg
import pytest
from psycopg.sql import Composable

from aap_pipeline.database.statements import sql_folder

STATEMENTS = {
    str(path.relative_to(sql_folder()).with_suffix("")): path.read_text(encoding="utf-8")
    for path in sorted(sql_folder().rglob("*.sql"))
    if path.parent.name != "migrations"
}
Seen = Callable[[psycopg.Connection[Any], str, Any], None]


def header(text: str) -> str:
    """The comment above a statement, as one line."""
    lines = takewhile(lambda line: line.startswith("--"), text.splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


_NAMES = {header(text): name for name, text in STATEMENTS.items()}


def name_of(query: str) -> str | None:
    """Name of the statement of sql/ that `query` is, columns put in or not."""
    return _NAMES.get(header(query))


def watch(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    """Call `seen` with the connection, text and parameters of every statement, right before psycopg sends it."""
    for method in ("execute", "copy"):
        original = getattr(psycopg.Cursor, method)

        def send(self: Any, query: Any, params: Any = None, *, _original: Any = original, **rest: Any) -> Any:
            text = query.as_string() if isinstance(query, Composable) else query
            seen(self.connection, text.decode() if isinstance(text, bytes) else text, params)
            return _original(self, query, params, **rest)

        monkeypatch.setattr(psycopg.Cursor, method, send)

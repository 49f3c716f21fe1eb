"""Markdown tables of figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.results import Figure


def rows_of(rows: Iterable[Figure], columns: dict[str, str]) -> str:
    cells = [[number_of(row[name]) if name in row else "–" for name in columns.values()] for row in rows]
    return table(list(columns), cells)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "*Not measured yet.*"
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number_of(value: Any) -> str:
    """Three figures that count; a spread as median (least–most)."""
    if isinstance(value, dict):
        if value["min"] == value["max"]:
            return number_of(value["median"])
        return f"{number_of(value['median'])} ({number_of(value['min'])}–{number_of(value['max'])})"
    if not isinstance(value, int | float):
        return str(value)
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"

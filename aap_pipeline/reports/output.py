"""The output of commands: tables, JSON for scripts, and the formats of money, numbers and times."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import click
import orjson

if TYPE_CHECKING:  # Dagster's processes, which write reports too, print no tables
    from rich.console import Console
    from rich.text import Text

_LONGEST_WORD = 40
_MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "failed": "[red]✗[/]"}
negative_values = {"ignore_unknown_options": True}
"""Context settings of a command whose value may be negative: -1 is then a value, not an unknown option."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def console() -> Console:
    """Return standard output: with colors on a terminal, without wrapping in a file or a pipe."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Format a number: 1,234,567 or 1,234.50; a dash for None."""
    return "–" if value is None else f"{value:,.{digits}f}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: 1 job, 1,234 jobs. `many` is the plural unless it is `one` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(ids: Sequence[int], most: int = 20) -> str:
    """List ids: 1, 2, 3 and 17 more."""
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return ", ".join(map(str, ids[:most])) + more


def money(value: Decimal | float | None, symbol: str = "", digits: int = 2) -> str:
    """Format money: $1,234.50, -$12.00; a dash for None."""
    if value is None:
        return "–"
    return f"{'-' if value < 0 else ''}{symbol}{abs(value):,.{digits}f}"


def percent(ratio: Decimal | None) -> str:
    """Format a ratio: 308%; a dash for None."""
    return "–" if ratio is None else f"{ratio:,.0%}"


def change(now: Decimal | int | None, before: Decimal | int | None) -> str:
    """Format a change: +12.3%, > +1,000%, new (from 0); a dash if it is unknown or nothing."""
    if now is None or not before:
        return "new" if now and before == 0 else "–"
    ratio = float(now - before) / abs(float(before))
    if abs(ratio) > 10:
        return "> +1,000%" if ratio > 0 else "< -1,000%"
    return f"{ratio:+,.1%}" if ratio else "0.0%"


def duration(value: timedelta | float | None) -> str:
    """Format a duration (seconds or a timedelta): 45 s, 12 min, 3.5 h, 2.1 days; a dash for None."""
    if value is None:
        return "–"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    for size, unit, digits in ((86_400 * 2, "days", 1), (3_600 * 2, "h", 1), (60 * 2, "min", 0)):
        if abs(seconds) >= size:
            return f"{seconds / (size / 2):,.{digits}f} {unit}"
    return f"{seconds:.0f} s"


def minute_of(value: datetime | None) -> str:
    """Format a time in UTC: 2026-07-01 12:30; a dash for None."""
    return "–" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"


def plain(value: object) -> str:
    """Format any other value; a dash for None."""
    return "–" if value is None else str(value)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return minute_of(value)
    return number(value) if isinstance(value, int) else plain(value)


def print_rows(
    headers: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    *,
    as_json: bool = False,
    shown: Callable[[Any], str] = _shown,
    **formats: Callable[[Any], str],
) -> None:
    """Print the columns `headers` {key: header} of the rows as a table, or whole rows as a JSON list of objects.

    `formats` are those of single columns, by key. `shown` formats all other values, by default by their type; times are
    UTC. On a terminal too narrow for the table, each row is printed as lines of header and value.
    """
    if as_json:
        print_json(rows)
    if as_json or not headers:
        return
    from rich import box
    from rich.table import Table

    screen = console()
    columns = [
        [cell(header), *(cell(formats.get(key, shown)(row[key])) for row in rows)] for key, header in headers.items()
    ]
    sizes = [[text.__rich_measure__(screen, screen.options) for text in column] for column in columns]
    widths = [max(size.maximum for size in column) for column in sizes]
    longest = widths.index(max(widths))  # the only column that may be wrapped, between words
    widths[longest] = min(max(size.minimum for size in sizes[longest]), _LONGEST_WORD)
    wide = sum(widths) + 2 * (len(widths) - 1) > screen.width
    looks: dict[str, Any] = {"pad_edge": False, "show_edge": False, "collapse_padding": True}
    table = Table(box=box.SIMPLE if wide else box.SIMPLE_HEAD, show_header=not wide, **looks)
    titles, *lines = zip(*columns, strict=True)
    for index, (key, title) in enumerate(zip(headers, titles, strict=True)) if not wide else ():
        kinds = {type(row[key]) for row in rows if row[key] is not None}
        side: Literal["left", "right"] = "right" if kinds and kinds <= {int, float, Decimal} else "left"
        table.add_column(title, justify=side, overflow="fold", no_wrap=index != longest)
    for line in lines:
        for cells in zip(titles, line, strict=True) if wide else [line]:
            table.add_row(*cells, end_section=wide and cells[0] is titles[-1])
    screen.print(table)


def print_marked(outcome: str, text: str, indent: str = "") -> None:
    """Print a line with the mark of `outcome` (ok, warning or failed) before the `text`."""
    from rich.table import Column, Table

    line = Table.grid("", Column(overflow="fold"), padding=(0, 1, 0, 0), pad_edge=False)
    line.add_row(indent + _MARKS[outcome], cell(text))
    console().print(line)


def print_json(value: object) -> None:
    """Print `value` as indented JSON: decimals as exact numbers, times in ISO 8601."""
    click.echo(to_json(value))


def to_json(value: object, *, indent: bool = True) -> str:
    """Encode `value` as JSON: decimals as exact numbers, times in ISO 8601, bytes in hexadecimal."""
    option = orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, default=_json_default, option=option).decode()


def _json_default(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode() if value.is_finite() else b"null")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def cell(text: str) -> Text:
    """Return literal text: a template named [red] is not markup, and control characters are replaced."""
    from rich.text import Text

    return Text("".join(character if character.isprintable() or character == "\n" else "�" for character in text))

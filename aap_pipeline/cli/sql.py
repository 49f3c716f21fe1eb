"""`aap-pipeline sql`."""

import sys
from decimal import Decimal
from typing import IO, Any

import click

from aap_pipeline.cli.context import warehouse
from aap_pipeline.cli.values import Whole
from aap_pipeline.database.user_sql import ResultSet, run
from aap_pipeline.reports.output import cell, console, print_json


@click.command(name="sql")
@click.argument("query", required=False)
@click.option("-f", "--file", type=click.File(encoding="utf-8-sig"), help="Read the SQL from a file; - is stdin.")
@click.option("--write", is_flag=True, help="Allow changes. All statements run in one transaction.")
@click.option(
    "--json", "form", flag_value="json", help="Print JSON: a list of rows; for several queries, a list of such lists."
)
@click.option("--csv", "form", flag_value="csv", help='Print CSV with a header; NULL is empty, empty text is "".')
@click.option("--max-rows", type=Whole(min=1), default=1000, show_default=True, help="Print at most N rows per table.")
def command(query: str | None, file: IO[str] | None, write: bool, form: str | None, max_rows: int) -> None:
    """Run SQL on the database: QUERY, a file (-f), or standard input.

    Separate statements by semicolons. Without --write they cannot change anything.

    \b
      aap-pipeline sql "SELECT * FROM marts.totals('2026-01-01', '2026-03-31')"
      aap-pipeline sql -f report.sql --csv > report.csv
    """
    text = _text(query, file)
    with warehouse() as url:
        results = run(url, text, write=write)
    if form == "json":
        _print_json(results)
    elif form == "csv":
        _print_csv(results)
    else:
        _print_tables(results, max_rows)


def _text(query: str | None, file: IO[str] | None) -> str:
    if query is not None and file is not None:
        raise click.UsageError("Use a query or -f FILE, not both.")
    if query is None and file is None and sys.stdin.isatty():
        raise click.UsageError("No SQL given. Use a query, -f FILE, or standard input.")
    source = file or (sys.stdin if query in (None, "-") else None)
    try:
        text = source.read() if source else query or ""
    except UnicodeDecodeError:
        raise click.UsageError("The SQL is not UTF-8 text.") from None
    if not text.strip():
        raise click.UsageError("The SQL is empty.")
    return text


def _print_tables(results: list[ResultSet], max_rows: int) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    for result in results:
        if result.columns is None:
            out.print(result.status)
            continue
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, *values in zip(result.columns, *result.rows[:max_rows], strict=True):
            is_number = all(isinstance(value, int | float | Decimal | None) for value in values)
            table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
        for row in result.rows[:max_rows]:
            table.add_row(
                *(Text("NULL", style="dim italic") if value is None else cell(_shown(value)) for value in row)
            )
        out.print(table)
        count = len(result.rows)
        shown = f", the first {max_rows:,} shown: --max-rows or --csv for more" if count > max_rows else ""
        out.print(f"({count:,} {'row' if count == 1 else 'rows'}{shown})")


def _print_json(results: list[ResultSet]) -> None:
    tables = [result.records() for result in results if result.columns is not None]
    _print_statuses(results)
    print_json(tables[0] if len(tables) == 1 else tables)


def _print_csv(results: list[ResultSet]) -> None:
    _print_statuses(results)
    for number, result in enumerate(each for each in results if each.columns is not None):
        if number:
            click.echo()
        for row in (result.columns or (), *result.rows):
            click.echo(",".join(map(_field, row)))


def _print_statuses(results: list[ResultSet]) -> None:
    """Print the command tags of statements without rows to stderr, apart from the data."""
    for result in results:
        if result.columns is None:
            click.echo(result.status, err=True)


def _field(value: Any) -> str:
    """Return a CSV field as COPY … (FORMAT csv) writes it, so that NULL and empty text differ."""
    if value is None:
        return ""
    text = _shown(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if text == "" or any(c in text for c in ',"\r\n') else text


def _shown(value: Any) -> str:
    """Return a value as PostgreSQL writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, Decimal):
        return f"{value:f}"  # str() turns 0.00000000000 into 0E-11
    if isinstance(value, dict | list):
        from aap_pipeline.reports.output import to_json

        return to_json(value, indent=False)
    return str(value)

"""`aap-pipeline sql`."""

import sys
from decimal import Decimal
from typing import IO, Any

import click

from aap_pipeline.cli.context import warehouse
from aap_pipeline.cli.values import Whole
from aap_pipeline.database.user_sql import ResultSet, run
from aap_pipeline.reports.output import counted, print_json, print_rows, to_json


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
    tables = [result for result in results if result.columns is not None]
    for result in results:
        if result.columns is None:
            click.echo(result.status, err=form is not None)  # apart from the data
        elif form is None:
            _print_table(result, max_rows)
    if form == "json":
        print_json(tables[0].records() if len(tables) == 1 else [table.records() for table in tables])
    for number, table in enumerate(tables if form == "csv" else ()):
        if number:
            click.echo()
        for row in (table.columns or (), *table.rows):
            click.echo(",".join(map(_field, row)))


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


def _print_table(result: ResultSet, max_rows: int) -> None:
    rows = result.records()
    print_rows({name: name for name in result.columns or ()}, rows[:max_rows], shown=_shown)
    more = f", the first {max_rows:,} shown: --max-rows or --csv for more" if len(rows) > max_rows else ""
    click.echo(f"({counted(len(rows), 'row')}{more})")


def _field(value: Any) -> str:
    """Return a CSV field as COPY … (FORMAT csv) writes it, so that NULL and empty text differ."""
    if value is None:
        return ""
    text = _shown(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if text == "" or any(c in text for c in ',"\r\n') else text


def _shown(value: Any) -> str:
    """Return a value as PostgreSQL writes it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case bytes():
            return f"\\x{value.hex()}"
        case Decimal():
            return f"{value:f}"  # str() turns 0.00000000000 into 0E-11
        case dict() | list():
            return to_json(value, indent=False)
    return str(value)

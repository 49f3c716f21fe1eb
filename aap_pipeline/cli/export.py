"""`aap-pipeline export`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from psycopg import Column, sql

from aap_pipeline.cli.context import warehouse_connection
from aap_pipeline.database.columns import tables
from aap_pipeline.database.connection import Connection
from aap_pipeline.errors import PipelineError, import_extra
from aap_pipeline.reports.output import counted

if TYPE_CHECKING:
    import pyarrow


_RELATIONS: Final = {"savings_monthly": "month", "savings_daily": "date", "fct_job_run": "date"}
"""{exported relation of schema marts: column whose month names the file}."""
_ROWS: Final = 50_000


@click.command(name="export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--month",
    "months",
    type=click.DateTime(["%Y-%m"]),
    multiple=True,
    metavar="YYYY-MM",
    help="Only this month; can be repeated.",
)
def command(folder: Path, months: tuple[datetime, ...]) -> None:
    """Write savings_monthly, savings_daily and fct_job_run to FOLDER as Parquet, one file per relation and month.

    \b
      FOLDER/savings_daily/2026-01.parquet

    DuckDB, Spark and pandas read each folder as one table. Exporting a month again replaces its files. This needs
    pip install 'aap-pipeline[export]'.
    """
    import_extra("pyarrow", "export")

    chosen = {f"{month:%Y-%m}" for month in months}
    with warehouse_connection() as connection:
        connection.read_only, files = True, 0
        for relation, column in _RELATIONS.items():
            columns = [name for name, _, _ in tables()[f"marts.{relation}"].columns]
            names = {
                "relation": sql.Identifier("marts", relation),
                "column": sql.Identifier(column),
                "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
            }
            listed = "SELECT DISTINCT to_char({column}, 'YYYY-MM') FROM {relation} ORDER BY 1"
            found = [row[0] for row in connection.execute(sql.SQL(listed).format(**names))]
            for month in (each for each in found if not chosen or each in chosen):
                file = folder / relation / f"{month}.parquet"
                rows = _write(connection, names, month, file)
                click.echo(f"{file}: {counted(rows, 'row')}")
                files += 1
    if not files:
        raise PipelineError("There are no savings yet for these months. Run `aap-pipeline sync`.")


def _write(connection: Connection, names: dict[str, sql.Composable], month: str, file: Path) -> int:
    """Write one month to `file` atomically, and return the number of rows."""
    import pyarrow
    from pyarrow import parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished, rows = file.with_suffix(".unfinished"), 0
    query = (
        "SELECT {columns} FROM {relation} "
        "WHERE {column} >= %(first)s::date AND {column} < %(first)s::date + interval '1 month'"
    )
    with connection.cursor("export") as cursor:
        cursor.execute(sql.SQL(query).format(**names), {"first": f"{month}-01"})
        schema = pyarrow.schema([(column.name, _type(column)) for column in cursor.description or ()])
        with parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            while part := cursor.fetchmany(_ROWS):
                columns = zip(zip(*part, strict=True), schema.types, strict=True)
                writer.write_batch(pyarrow.record_batch([pyarrow.array(*each) for each in columns], schema=schema))
                rows += len(part)
    unfinished.replace(file)
    return rows


def _type(column: Column) -> pyarrow.DataType:
    """Return the Arrow type of a PostgreSQL column; text for types without an equivalent."""
    import pyarrow

    simple: dict[str, Any] = {
        "int2": pyarrow.int16(),
        "int4": pyarrow.int32(),
        "int8": pyarrow.int64(),
        "float8": pyarrow.float64(),
        "bool": pyarrow.bool_(),
        "date": pyarrow.date32(),
        "timestamp": pyarrow.timestamp("us"),
        "timestamptz": pyarrow.timestamp("us", "UTC"),
    }
    name = column.type_display.partition("(")[0]
    if name == "numeric":
        return pyarrow.decimal128(38, column.scale or 0)
    return simple.get(name, pyarrow.string())

"""What Dagster shows of an asset's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from dagster import MetadataValue, TableColumn, TableRecord, TableSchema
from psycopg.sql import SQL, Identifier

from aap_pipeline.database.columns import tables
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement

COUNTED_UP_TO: Final = 10_000
"""Rows of a cluster are counted up to here, which takes milliseconds however large the table is."""
_MOST_CHARACTERS: Final = 60  # of a text in a preview: one of 255 would push the other columns off the page


def table_metadata(table: str) -> dict[str, Any]:
    """Definition metadata of the asset that fills `table` (schema.name): its name, and its columns with their meaning.

    On the definition, not on each materialization: a sync runs every few seconds, and columns change with a release.
    """
    found = [TableColumn(name, kind, description=meaning) for name, kind, meaning in tables()[table].columns]
    return {"dagster/table_name": table, "dagster/column_schema": TableSchema(found)}


def table_figures(connection: Connection, name: LiteralString, cluster_id: int) -> dict[str, dict[str, Any]]:
    """{asset: metadata of a materialization}: how many rows the table and a cluster have, five of them to look at.

    Dagster shows the newest materialization's dagster/row_count as that of the asset, whose partitions are clusters, so
    it is the whole table's. Numbers are exact as far as COUNTED_UP_TO; of more there is only the estimate of
    PostgreSQL's statistics, under a name that says so. `name` is a statement like report/core_tables, which chooses
    what is shown.
    """
    values = {"cluster": cluster_id, "most": COUNTED_UP_TO + 1}
    found = connection.execute(statement(name), values).fetchall()
    return {
        asset: _figures(_counted(connection, relation), counted, estimated, shown)
        for asset, relation, counted, estimated, shown in found
    }


def _counted(connection: Connection, relation: str) -> int:
    """Rows of a table (schema.name), counted up to COUNTED_UP_TO and one more."""
    query = SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT %s) few").format(Identifier(*relation.split(".")))
    row = connection.execute(query, [COUNTED_UP_TO + 1]).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    return int(row[0])


def _figures(total: int, counted: int, estimated: int, shown: list[Mapping[str, Any]] | None) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if total <= COUNTED_UP_TO:
        figures["dagster/row_count"] = total
    if counted <= COUNTED_UP_TO:
        figures["dagster/partition_row_count"] = counted
    if estimated >= 0:  # -1: the table was never analyzed
        figures["rows_of_all_clusters_estimated"] = estimated
    if shown:
        figures["preview"] = MetadataValue.table([_record(row) for row in shown])
    return figures


def _record(row: Mapping[str, Any]) -> TableRecord:
    return TableRecord({name: _shortened(value) for name, value in row.items()})


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MOST_CHARACTERS:
        return value[: _MOST_CHARACTERS - 1] + "…"
    return value

"""What Dagster shows of an asset's table."""

from __future__ import annotations

from typing import Any

from dagster import TableColumn, TableSchema

from aap_pipeline.warehouse.columns import columns


def table_metadata(table: str) -> dict[str, Any]:
    """Definition metadata of the asset that fills `table` (schema.name): its name, and its columns with their meaning.

    On the definition, not on each materialization: a sync runs every few seconds, and columns change with a release.
    """
    found = [TableColumn(name, kind, description=meaning) for name, kind, meaning in columns()[table]]
    return {"dagster/table_name": table, "dagster/column_schema": TableSchema(found)}

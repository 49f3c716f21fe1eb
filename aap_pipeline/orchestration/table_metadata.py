"""What Dagster shows of an asset: its stage, its freshness, and its table."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString, TypedDict

from dagster import AssetKey, AssetSpec, FreshnessPolicy, MetadataValue, TableColumn, TableRecord, TableSchema
from psycopg.sql import SQL, Identifier

from aap_pipeline.database.columns import tables
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.partitions import CLUSTERS

COUNTED_UP_TO: Final = 10_000
"""Limit of exact counts, which take milliseconds up to here."""

# Dagster evaluates a policy per asset, not per partition: a stale asset is stale in every cluster. The check `fresh`
# evaluates each cluster.
EACH_SYNC: Final = FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=45))
"""A cluster without new jobs is synced every 30 minutes (setting quiet_sync_minutes)."""
EACH_NIGHT: Final = FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))


class Described(TypedDict):
    """The options that all assets of a stage share."""

    group_name: str
    kinds: set[str]
    owners: list[str]
    tags: dict[str, str]


def of_stage(stage: str, *kinds: str) -> Described:
    """Return the options of a stage's asset of these kinds."""
    return {"group_name": stage, "kinds": set(kinds), "owners": ["team:automation-analytics"], "tags": {"stage": stage}}


def table_metadata(table: str) -> dict[str, Any]:
    """Return definition metadata of the asset that fills `table` (schema.name): its name and commented columns.

    It is on the definition, not on each materialization, because columns change only with a release.
    """
    found = [TableColumn(name, kind, description=meaning) for name, kind, meaning in tables()[table].columns]
    return {"dagster/table_name": table, "dagster/column_schema": TableSchema(found)}


def specs_of_tables(stage: str, filled: Mapping[str, str], deps: Sequence[Sequence[str]]) -> list[AssetSpec]:
    """Return the spec of each asset of a stage, whose tables are `filled`: {asset: schema.name}."""
    return [
        AssetSpec(
            key=[stage, name],
            deps=[AssetKey(key) for key in deps],
            **of_stage(stage, "postgres", "sql"),
            partitions_def=CLUSTERS,
            metadata=table_metadata(table),
            description=tables()[table].meaning,
        )
        for name, table in filled.items()
    ]


def table_figures(connection: Connection, name: LiteralString, cluster_id: int) -> dict[str, dict[str, Any]]:
    """Return {asset: metadata of a materialization}: row counts of the table and the cluster, and five sample rows.

    Dagster shows the newest materialization's dagster/row_count for the whole asset, so it is the whole table's. Counts
    are exact up to COUNTED_UP_TO; beyond, `estimated` figures come from PostgreSQL's statistics. `name` is a statement
    like reports/core_tables, which selects the figures.
    """
    values = {"cluster": cluster_id, "most": COUNTED_UP_TO + 1}
    found = connection.execute(statement(name), values).fetchall()
    return {
        asset: _figures(_counted(connection, relation), counted, estimated, shown)
        for asset, relation, counted, estimated, shown in found
    }


def _counted(connection: Connection, relation: str) -> int:
    query = SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT %s) few").format(Identifier(*relation.split(".")))
    [row] = connection.execute(query, [COUNTED_UP_TO + 1]).fetchall()
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
        figures["preview"] = MetadataValue.table([TableRecord(row) for row in shown])
    return figures

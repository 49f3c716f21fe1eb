"""Assets of the night, one partition a cluster: the proof that nothing is missing, and a look at the savings."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dagster import (
    AssetExecutionContext,
    MaterializeResult,
    MetadataValue,
    TableRecord,
    asset,
)

from aap_pipeline.clusters.steps import cluster_step
from aap_pipeline.controller.probe import job_url
from aap_pipeline.database.statements import statement
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.freshness import EACH_NIGHT
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.table_metadata import table_metadata
from aap_pipeline.raw import checks
from aap_pipeline.raw.reconcile import reconcile
from aap_pipeline.raw.sync import SyncRequest
from aap_pipeline.reports.picture import savings_picture

RECONCILIATION: Final = ("upkeep", "reconciliation")

_SHOWN: Final = timedelta(days=90)

RECONCILED = Check(
    "reconciled",
    "Every day, today included, has the jobs that the controller counts, as far as a first sync looks back.",
    "The missing jobs are here again. Look in PostgreSQL's log for what deleted them, or for a clock at the controller "
    "that was set back; report it if neither explains it.",
)


@asset(
    key=list(RECONCILIATION),
    group_name="upkeep",
    deps=[["raw", "sync_data"]],
    partitions_def=CLUSTERS,
    check_specs=specs(RECONCILIATION, [RECONCILED], CLUSTERS),
    kinds={"python", "postgres"},
    owners=["team:automation-analytics"],
    tags={"stage": "upkeep"},
    freshness_policy=EACH_NIGHT,
    metadata=table_metadata("pipeline.sync_run"),
    description="""Each day held against the controller's own count, one request a day; what is missing is fetched
    as raw rows, and so are host summaries that came after their deadline. Runs each night; the sync needs no help from
    it.""",
)
def reconciliation(context: AssetExecutionContext, warehouse: Warehouse) -> Iterator[MaterializeResult[None]]:
    """Compare, and fetch what is missing."""
    with cluster_step(context, warehouse) as (_, cluster):
        request = SyncRequest(cluster, dagster_run_id=context.run.run_id, tell=context.log.warning)
        found = reconcile(warehouse.url(), warehouse.cipher(), request)
    verdict = checks.reconciliation(found)
    checked = result(RECONCILIATION, RECONCILED, verdict, cluster.name)
    yield MaterializeResult(metadata=dict(verdict.figures), check_results=[checked])


@asset(
    key=["upkeep", "savings_overview"],
    group_name="upkeep",
    deps=[["marts", "savings_daily"]],
    partitions_def=CLUSTERS,
    kinds={"python"},
    owners=["team:automation-analytics"],
    tags={"stage": "upkeep"},
    freshness_policy=EACH_NIGHT,
    description="""Savings and runs of the last 90 days as a picture, the last days as a table, and a link to the newest
    job in the controller's own UI. Made each night; launch it to have it now.""",
)
def savings_overview(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult[None]:
    """Read the marts, draw."""
    since = datetime.now(UTC).date() - _SHOWN
    with cluster_step(context, warehouse) as (connection, cluster):
        values = {"cluster": cluster.id, "since": since}
        days = connection.execute(statement("reports/savings_by_day"), values).fetchall()
        money = connection.execute(statement("reports/currency")).fetchone()
        newest = connection.execute(statement("reports/newest_job"), values).fetchone()
    currency = money[0] if money else ""
    metadata: dict[str, Any] = {
        "picture": MetadataValue.md(savings_picture(days, currency)),
        "last_days": MetadataValue.table(
            [
                TableRecord({"date": str(day), "runs": int(runs), "savings": f"{savings:,.2f} {currency}"})
                for day, runs, savings in days[-14:]
            ]
        )
        if days
        else "none",
        "savings_90_days": float(sum(savings for _, _, savings in days)),
        "runs_90_days": int(sum(runs for _, runs, _ in days)),
    }
    if newest is not None:
        metadata["newest_job"] = MetadataValue.url(job_url(cluster.endpoint.base_url, cluster.product, newest[0]))
    return MaterializeResult(metadata=metadata)

"""The nightly asset, one partition per cluster: reconciliation."""

from collections.abc import Iterator
from typing import Final

from dagster import AssetExecutionContext, MaterializeResult, asset

from aap_pipeline.clusters.partitions import cluster_step
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.table_metadata import EACH_NIGHT, of_stage, table_metadata
from aap_pipeline.raw.asset_checks import reconciliation as agreement
from aap_pipeline.raw.reconcile import reconcile
from aap_pipeline.raw.sync import SyncRequest

RECONCILIATION: Final = ("upkeep", "reconciliation")

RECONCILED = Check(
    "reconciled",
    "Every day of the last initial_sync_days, including today, has the jobs that the controller counts.",
    "The missing jobs are stored now. Check PostgreSQL's log for deletions, and whether the controller's clock was set "
    "back. If neither explains it, report a bug.",
)


@asset(
    key=list(RECONCILIATION),
    **of_stage("upkeep", "python", "postgres"),
    deps=[["raw", "sync_data"]],
    partitions_def=CLUSTERS,
    check_specs=specs(RECONCILIATION, [RECONCILED]),
    freshness_policy=EACH_NIGHT,
    metadata=table_metadata("pipeline.sync_run"),
    description="""Compares each of the last initial_sync_days with the controller's own count, in one request per day,
    and fetches missing jobs and late host summaries as raw rows. Runs each night.""",
)
def reconciliation(context: AssetExecutionContext, warehouse: Warehouse) -> Iterator[MaterializeResult[None]]:
    with cluster_step(context, warehouse) as (_, cluster):
        request = SyncRequest(cluster, dagster_run_id=context.run.run_id, notify=context.log.warning)
        found = reconcile(warehouse.url(), warehouse.cipher(), request)
    verdict = agreement(found)
    checked = result(RECONCILIATION, RECONCILED, verdict, cluster.name)
    yield MaterializeResult(metadata=dict(verdict.figures), check_results=[checked])

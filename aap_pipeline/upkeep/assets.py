"""The asset of the night, one partition per cluster: the proof that nothing is missing."""

from collections.abc import Iterator
from typing import Final

from dagster import AssetExecutionContext, MaterializeResult, asset

from aap_pipeline.clusters.steps import cluster_step
from aap_pipeline.orchestration.checks import Check, result, specs
from aap_pipeline.orchestration.freshness import EACH_NIGHT
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.table_metadata import table_metadata
from aap_pipeline.raw import checks
from aap_pipeline.raw.reconcile import reconcile
from aap_pipeline.raw.sync import SyncRequest

RECONCILIATION: Final = ("upkeep", "reconciliation")

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

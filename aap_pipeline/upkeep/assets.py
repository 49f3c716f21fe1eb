"""Asset upkeep/reconciliation: each night the proof, for each cluster, that nothing is missing."""

from collections.abc import Iterator
from typing import Final

from dagster import AssetExecutionContext, MaterializeResult, asset

from aap_pipeline.abandoned import note_process
from aap_pipeline.clusters.registry import cluster_named
from aap_pipeline.failures import failing_clearly
from aap_pipeline.partitions import CLUSTERS
from aap_pipeline.raw import checks
from aap_pipeline.raw.reconcile import reconcile
from aap_pipeline.raw.sync import SyncRequest
from aap_pipeline.resources import Warehouse
from aap_pipeline.upkeep.verdicts import Check, result, specs

RECONCILIATION: Final = ("upkeep", "reconciliation")

RECONCILED = Check(
    "reconciled",
    "Every past day has the jobs that the controller counts, as far as a first sync looks back.",
    "The missing jobs are here again. Look in the log for what deleted them, or for a clock at the controller that was "
    "set back; report it if neither explains it.",
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
    metadata={"dagster/table_name": "pipeline.sync_run"},
    description="""Each past day held against the controller's own count, one request a day; what is missing is fetched
    as raw rows, and so are host summaries that came after their deadline. Runs each night; the sync needs no help from
    it.""",
)
def reconciliation(context: AssetExecutionContext, warehouse: Warehouse) -> Iterator[MaterializeResult[None]]:
    """Compare, and fetch what is missing."""
    note_process(context)
    with failing_clearly():
        with warehouse.connection() as connection:
            cluster = cluster_named(connection, context.partition_key)
        request = SyncRequest(cluster, dagster_run_id=context.run.run_id)
        found = reconcile(warehouse.url(), warehouse.cipher(), request)
    verdict = checks.reconciliation(found)
    yield MaterializeResult(metadata=dict(verdict.figures), check_results=[result(RECONCILIATION, RECONCILED, verdict)])

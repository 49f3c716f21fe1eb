"""Sensors that find work which no sync has done: raw rows left behind, rates or minutes changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG, parse_raw, refresh_marts
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import busy_clusters, end_abandoned_runs
from aap_pipeline.upkeep.left_behind import DueRun, Waiting, to_parse, to_refresh, waiting

Decide = Callable[[Sequence[Waiting], Collection[str], datetime], list[DueRun]]


@sensor(
    job=parse_raw,
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="Starts a run for each cluster with raw rows that no run has parsed for two minutes: what a killed run "
    "or the reconciliation left. The run keys make a restart harmless; after a failure it tries again each hour.",
)
def raw_left_behind_sensor(context: SensorEvaluationContext, warehouse: Warehouse) -> SensorResult | SkipReason:
    """Ask for a run where raw rows wait."""
    return _requests(context, warehouse, to_parse, "No raw rows are left behind.")


@sensor(
    job=refresh_marts,
    minimum_interval_seconds=5,
    default_status=DefaultSensorStatus.RUNNING,
    description="Starts a run for each cluster whose marts are behind: rates, minutes or settings changed, or a killed "
    "run left changed days. The run keys make a restart harmless; after a failure it tries again each hour.",
)
def rates_changed_sensor(context: SensorEvaluationContext, warehouse: Warehouse) -> SensorResult | SkipReason:
    """Ask for a run where the marts are behind."""
    return _requests(context, warehouse, to_refresh, "The marts know all rates, minutes and settings.")


def _requests(
    context: SensorEvaluationContext, warehouse: Warehouse, decide: Decide, nothing: str
) -> SensorResult | SkipReason:
    partitions = set(context.instance.get_dynamic_partitions(CLUSTERS.name or ""))
    try:
        with warehouse.connection() as connection:
            found = [each for each in waiting(connection) if each.cluster in partitions]
            if not decide(found, (), datetime.now(UTC)):
                return SkipReason(nothing)
            busy = busy_clusters(end_abandoned_runs(context.instance, connection))
    except PipelineError as error:
        return SkipReason(str(error))
    due = decide(found, busy, datetime.now(UTC))
    if not due:
        return SkipReason("What waits belongs to clusters with a run under way.")
    return SensorResult(
        run_requests=[
            RunRequest(run_key=each.key, partition_key=each.cluster, tags={REASON_TAG: each.reason}) for each in due
        ]
    )

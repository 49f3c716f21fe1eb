"""Sensors for work that syncs have left: raw rows left behind, changed rates or minutes."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

import dagster as dg

from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import parse_raw, refresh_marts
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import busy_clusters, end_abandoned_runs
from aap_pipeline.upkeep.left_behind import Waiting, to_parse, to_refresh, waiting

Decide = Callable[[Sequence[Waiting], Collection[str], datetime], list[dg.RunRequest]]


@dg.sensor(
    job=parse_raw,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run for each cluster with raw rows that have been unparsed for two minutes, for example "
    "after a killed run or the reconciliation. Run keys make a restart harmless. Retries each hour after a failure.",
)
def raw_left_behind_sensor(
    context: dg.SensorEvaluationContext, warehouse: Warehouse
) -> dg.SensorResult | dg.SkipReason:
    return _requests(context, warehouse, to_parse, "No raw rows are left behind.")


@dg.sensor(
    job=refresh_marts,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run for each cluster with stale marts: after changes of rates, minutes or settings, or after "
    "a killed run. Run keys make a restart harmless. Retries each hour after a failure.",
)
def rates_changed_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    return _requests(context, warehouse, to_refresh, "The marts know all rates, minutes and settings.")


def _requests(
    context: dg.SensorEvaluationContext, warehouse: Warehouse, decide: Decide, nothing: str
) -> dg.SensorResult | dg.SkipReason:
    partitions = set(context.instance.get_dynamic_partitions(CLUSTERS.name or ""))
    try:
        with warehouse.connection() as connection:
            found = [each for each in waiting(connection) if each.cluster in partitions]
            if not decide(found, (), datetime.now(UTC)):
                return dg.SkipReason(nothing)
            busy = busy_clusters(end_abandoned_runs(context.instance, connection))
    except PipelineError as error:
        return dg.SkipReason(str(error))
    due = decide(found, busy, datetime.now(UTC))
    if not due:
        return dg.SkipReason("What waits belongs to clusters with a run under way.")
    return dg.SensorResult(run_requests=due)

"""The sensor for work that syncs have left in the database without a run for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG, catch_up
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import busy_clusters, end_abandoned_runs

_WAIT_SECONDS = 120
"""A run usually parses its raw rows within seconds. A large first sync parses after its last slice, but keeps its
cluster busy until then."""


@dataclass(frozen=True)
class Waiting:
    """The ids of a cluster's pending work: oldest raw row, newest changed day, rate, rebuild; None: nothing."""

    cluster: str
    raw_row: int | None = None
    changed_day: int | None = None
    changed_rate: int | None = None
    rebuild: int | None = None


def left_behind(found: Sequence[Waiting], now: datetime) -> list[dg.RunRequest]:
    """Return a run per cluster with pending work, whose key allows one run per hour for the same state."""
    due = []
    for each in found:
        notes = {
            "raw rows left behind": each.raw_row,
            "rates changed": each.changed_rate,
            "settings changed": each.rebuild,
            "days left behind": each.changed_day,
        }
        reasons = [reason for reason, note in notes.items() if note is not None]
        if reasons:
            state = "/".join(str(note or 0) for note in notes.values())
            key = f"{each.cluster}/{state}/{now:%Y-%m-%dT%H}"
            due.append(dg.RunRequest(run_key=key, partition_key=each.cluster, tags={REASON_TAG: reasons[0]}))
    return due


@dg.sensor(
    job=catch_up,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run for each cluster with raw rows that have been unparsed for two minutes, for example "
    "after a killed run or the reconciliation, or with stale marts, for example after changes of rates, minutes or "
    "settings. Run keys make a restart harmless. Retries each hour after a failure.",
)
def left_behind_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    partitions = set(context.instance.get_dynamic_partitions(CLUSTERS.name or ""))
    try:
        with warehouse.connection() as connection:
            rows = connection.execute(statement("upkeep/left_behind"), {"seconds": _WAIT_SECONDS})
            due = left_behind([Waiting(*row) for row in rows if row[0] in partitions], datetime.now(UTC))
            if not due:
                return dg.SkipReason("Nothing is left behind.")
            busy = busy_clusters(end_abandoned_runs(context.instance, connection))
    except PipelineError as error:
        return dg.SkipReason(str(error))
    # The run of a busy cluster does the work, or may have read the old rates.
    requests = [each for each in due if each.partition_key not in busy]
    if not requests:
        return dg.SkipReason("What waits belongs to clusters with a run under way.")
    return dg.SensorResult(run_requests=requests)

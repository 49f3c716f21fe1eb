"""The sensor that starts runs for pending work in the database that no run will do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from aap_pipeline.database.statements import select
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG, catch_up
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import busy_clusters, end_abandoned_runs

_WAIT_SECONDS = 120
"""A run usually parses its raw rows within seconds. A large first sync parses after its last slice, but keeps its
cluster busy until then."""
_REASONS = {
    "raw_row": "raw rows left behind",
    "changed_rate": "rates changed",
    "rebuild": "settings changed",
    "changed_day": "days left behind",
}
"""{column of sql/upkeep/left_behind.sql: the reason of a run for it}, in order of precedence."""


def left_behind(found: Sequence[Mapping[str, Any]], now: datetime) -> list[dg.RunRequest]:
    """Return a run per cluster with pending work. Its run key allows one run per hour for the same state."""
    due = []
    for each in found:
        reasons = [reason for column, reason in _REASONS.items() if each[column] is not None]
        if reasons:
            state = "/".join(str(each[column] or 0) for column in _REASONS)
            key = f"{each['cluster']}/{state}/{now:%Y-%m-%dT%H}"
            due.append(dg.RunRequest(run_key=key, partition_key=each["cluster"], tags={REASON_TAG: reasons[0]}))
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
            rows = select(connection, "upkeep/left_behind", {"seconds": _WAIT_SECONDS})
            due = left_behind([row for row in rows if row["cluster"] in partitions], datetime.now(UTC))
            if not due:
                return dg.SkipReason("Nothing is left behind.")
            busy = busy_clusters(end_abandoned_runs(context.instance, connection))
    except PipelineError as error:
        return dg.SkipReason(str(error))
    # A busy cluster waits: its run does the work or, if it has read the old rates, a later tick starts another.
    requests = [each for each in due if each.partition_key not in busy]
    if not requests:
        return dg.SkipReason("All pending work is of clusters with runs in progress.")
    return dg.SensorResult(run_requests=requests)

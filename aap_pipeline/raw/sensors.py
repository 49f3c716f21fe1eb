"""The sensor that starts a run for every cluster with new jobs."""

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from aap_pipeline.clusters.errors import cluster_errors
from aap_pipeline.clusters.registry import Cluster, clusters
from aap_pipeline.clusters.tokens import DatabaseTokenStore
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG, update_cluster
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import busy_clusters, end_abandoned_runs
from aap_pipeline.raw.assets import sync_data
from aap_pipeline.raw.due import (
    DueSync,
    NewestFinished,
    Silence,
    SyncState,
    format_silences,
    parse_silences,
    to_ask,
    what_is_due,
)

_PATIENCE_SECONDS = 3.0
"""How long a tick waits for responses. The next tick uses later ones, so that a slow controller delays no other."""
_ONE_QUICK_QUESTION = ClientSettings(connect_timeout=5.0, read_timeout=15.0, workers=1, retries=0)

_ASKERS = ThreadPoolExecutor(64, thread_name_prefix="newest")
_asking: dict[tuple[str, Cluster], Future[NewestFinished]] = {}  # lost with the process: one more request each


@sensor(
    job=update_cluster,
    minimum_interval_seconds=1,  # in each 5 s loop of the sensor daemon: 5 would miss every other one
    default_status=DefaultSensorStatus.RUNNING,
    description="Reads the newest finished job of every enabled cluster, concurrently, and starts a run for each "
    "cluster with new jobs. After a failed sync it backs off for 15 s, doubling up to 15 minutes; the tick lists such "
    "clusters. Paused backfills alternate with syncs of new jobs.",
)
def new_jobs_sensor(context: SensorEvaluationContext, warehouse: Warehouse) -> SensorResult | SkipReason:
    """Send one cheap request per cluster. Skips clusters with a run in progress."""
    try:
        url, cipher = warehouse.url(), warehouse.cipher()
        with warehouse.connection() as connection:
            enabled = {cluster.name: cluster for cluster in clusters(connection, only_enabled=True)}
            states = [SyncState(*row) for row in connection.execute(statement("raw/sync_states"))]
            busy = busy_clusters(end_abandoned_runs(context.instance, connection))
    except PipelineError as error:
        return SkipReason(str(error))
    now = datetime.now(UTC)
    silences = parse_silences(context.cursor)
    partitions = set(context.instance.get_dynamic_partitions(CLUSTERS.name or ""))
    idle = [state for state in states if state.name in partitions - busy and state.name in enabled]
    asked, remarks = to_ask(idle, silences, now)
    requests: list[RunRequest] = []
    errors = 0
    answers = newest_finished(url, cipher, [enabled[state.name] for state in asked], silent=silences)
    for state in asked:
        if state.name not in answers:
            remarks.append(f"{state.name}: no response yet")
            continue
        answer = answers[state.name]
        if isinstance(answer, PipelineError):
            silences[state.name] = Silence(silences.get(state.name, Silence(0, now)).times + 1, now)
            remarks.append(f"{state.name}: {answer}")
            errors += 1
        else:
            silences.pop(state.name, None)
        due = what_is_due(state, answer, now)
        if due:
            requests.append(_run_request(state.name, due))
    summary = "; ".join([f"{len(states)} clusters, {len(busy)} with runs in progress, {len(requests)} due", *remarks])
    context.log.log(logging.INFO if requests or errors else logging.DEBUG, summary)
    return SensorResult(
        run_requests=requests,
        skip_reason=None if requests else SkipReason(summary),
        cursor=format_silences({name: silence for name, silence in silences.items() if name in enabled}),
    )


def _run_request(cluster: str, due: DueSync) -> RunRequest:
    tags = {REASON_TAG: due.reason}
    if not due.since:
        return RunRequest(partition_key=cluster, tags=tags)
    return RunRequest(
        partition_key=cluster,
        run_config={"ops": {sync_data.op.name: {"config": {"since": due.since, "until": due.until}}}},
        tags={**tags, "dagster/priority": "-1"},  # queued live syncs of other clusters run first
    )


def newest_finished(
    url: str, cipher: Cipher, asked: Sequence[Cluster], seconds: float = _PATIENCE_SECONDS, silent: Collection[str] = ()
) -> dict[str, NewestFinished]:
    """Query all clusters concurrently. Returns {name: result} of those that respond within `seconds`.

    Includes late responses of earlier calls. Does not wait for the `silent` clusters, which did not respond last time.
    """
    keys = [(url, cluster) for cluster in asked]
    new = [key for key in keys if key not in _asking]
    for key in new:
        _asking[key] = _ASKERS.submit(_newest_finished, url, cipher, key[1])
    wait([_asking[key] for key in new if key[1].name not in silent], timeout=seconds)
    answered = {key: _asking.pop(key) for key in list(_asking) if _asking[key].done()}
    return {cluster.name: answered[url, cluster].result() for cluster in asked if (url, cluster) in answered}


def _newest_finished(url: str, cipher: Cipher, cluster: Cluster) -> NewestFinished:
    """Query one controller. Returns errors as well, so that one cluster never stops the others."""
    store = DatabaseTokenStore(url, cipher, cluster.id)
    try:
        with (
            cluster_errors(cluster),
            ControllerClient(cluster.endpoint, store, _ONE_QUICK_QUESTION, hint=cluster.product) as client,
        ):
            return ControllerApi(client).newest_finished()
    except PipelineError as error:
        return error

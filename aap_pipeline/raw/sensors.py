"""The sensor that starts a run for every cluster with new jobs; `due.py` decides which clusters are due."""

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import dagster as dg
import msgspec

from aap_pipeline.clusters.controllers import ONE_QUESTION, open_controller
from aap_pipeline.clusters.registry import Cluster, clusters
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.database import application_settings
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError
from aap_pipeline.orchestration.jobs import REASON_TAG, update_cluster
from aap_pipeline.orchestration.partitions import CLUSTERS
from aap_pipeline.orchestration.resources import Warehouse
from aap_pipeline.orchestration.run_liveness import busy_clusters, end_abandoned_runs
from aap_pipeline.raw import due
from aap_pipeline.raw.assets import sync_data
from aap_pipeline.reports.output import counted

_PATIENCE_SECONDS = 3.0
"""How long a tick waits for responses. The next tick uses later ones, so that a slow controller delays no other."""

_RECENT = timedelta(days=1)
_ASKERS = ThreadPoolExecutor(64, thread_name_prefix="newest")
_asked_at: dict[tuple[str, str], datetime] = {}
_asking: dict[tuple[str, Cluster], Future[due.NewestFinished]] = {}  # lost with the process: one more request each


@dg.sensor(
    job=update_cluster,
    minimum_interval_seconds=1,  # in each 5 s loop of the sensor daemon: 5 would miss every other one
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads the newest finished job of every enabled cluster, concurrently, and starts a run for each "
    "cluster with new jobs. After a failed sync it backs off for 15 s, doubling up to 15 minutes; the tick lists such "
    "clusters. Paused backfills alternate with syncs of new jobs.",
)
def new_jobs_sensor(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
    try:
        url, cipher = warehouse.url(), warehouse.cipher()
        with warehouse.connection() as connection:
            enabled = {cluster.name: cluster for cluster in clusters(connection, only_enabled=True)}
            states = [due.SyncState(*row) for row in connection.execute(statement("raw/sync_states"))]
            busy = busy_clusters(end_abandoned_runs(context.instance, connection))
            quiet = timedelta(minutes=application_settings.read(connection).quiet_sync_minutes)
    except PipelineError as error:
        return dg.SkipReason(str(error))
    now = datetime.now(UTC)
    silences = due.parse_silences(context.cursor)
    partitions = set(context.instance.get_dynamic_partitions(CLUSTERS.name or ""))
    idle = [state for state in states if state.name in partitions - busy and state.name in enabled]
    closed = {name for name, cluster in enabled.items() if not cluster.manners.may_read_long(now)}
    idle, waiting = due.within_hours(idle, closed)
    waited_for = {cluster.name for of, cluster in _asking if of == url}
    asked_at = {name: at for (of, name), at in _asked_at.items() if of == url and name not in waited_for}
    idle = [state for state in idle if due.is_to_be_asked(state, asked_at.get(state.name), now)]
    asked, remarks = due.to_ask(idle, silences, now)
    remarks += waiting
    requests: list[dg.RunRequest] = []
    errors = 0
    _asked_at.update({(url, state.name): now for state in asked})
    answers = newest_finished(url, cipher, [(enabled[state.name], state.watermark) for state in asked], silent=silences)
    for state in asked:
        if state.name not in answers:
            remarks.append(f"{state.name}: no response yet")
            continue
        answer = answers[state.name]
        if isinstance(answer, PipelineError):
            silences[state.name] = due.Silence(silences.get(state.name, due.Silence(0, now)).times + 1, now)
            remarks.append(f"{state.name}: {answer}")
            errors += 1
        else:
            silences.pop(state.name, None)
        if found := due.what_is_due(state, answer, now, quiet):
            requests.append(_run_request(state.name, found))
    summary = "; ".join(
        [f"{counted(len(states), 'cluster')}, {len(busy)} with runs in progress, {len(requests)} due", *remarks]
    )
    context.log.log(logging.INFO if requests or errors else logging.DEBUG, summary)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else dg.SkipReason(summary),
        cursor=msgspec.json.encode({name: silences[name] for name in sorted(silences) if name in enabled}).decode(),
    )


def _run_request(cluster: str, found: due.DueSync) -> dg.RunRequest:
    tags = {REASON_TAG: found.reason}
    if not found.since:
        return dg.RunRequest(partition_key=cluster, tags=tags)
    return dg.RunRequest(
        partition_key=cluster,
        run_config={"ops": {sync_data.op.name: {"config": {"since": found.since, "until": found.until}}}},
        tags={**tags, "dagster/priority": "-1"},  # queued live syncs of other clusters run first
    )


def newest_finished(
    url: str,
    cipher: Cipher,
    asked: Sequence[tuple[Cluster, datetime | None]],
    seconds: float = _PATIENCE_SECONDS,
    silent: Collection[str] = (),
) -> dict[str, due.NewestFinished]:
    """Query, in parallel, each cluster's newest job after its watermark. Returns {name: response} of the clusters that
    responded within `seconds`, or since an earlier call.

    Includes late responses of earlier calls. Does not wait for the `silent` clusters, which did not respond last time.
    """
    new = [(url, cluster) for cluster, _ in asked if (url, cluster) not in _asking]
    watermarks = dict(asked)
    for key in new:
        _asking[key] = _ASKERS.submit(_newest_finished, url, cipher, key[1], watermarks[key[1]])
    wait([_asking[key] for key in new if key[1].name not in silent], timeout=seconds)
    answered = {key: _asking.pop(key) for key in list(_asking) if _asking[key].done()}
    return {cluster.name: answered[url, cluster].result() for cluster, _ in asked if (url, cluster) in answered}


def _newest_finished(url: str, cipher: Cipher, cluster: Cluster, watermark: datetime | None) -> due.NewestFinished:
    """Query one controller. Returns errors as well, so that one cluster never stops the others."""
    try:
        with open_controller(url, cipher, cluster, ONE_QUESTION) as client:
            # After a long outage, the newest of all jobs: the controller would have to sort those after the watermark.
            recent = watermark is not None and datetime.now(UTC) - watermark < _RECENT
            return ControllerApi(client).newest_finished(watermark if recent else None)
    except PipelineError as error:
        return error

"""The resources of each sync of a cluster: connection, sync lock, client and sweep, with their clean-up."""

import ctypes
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aap_pipeline.clusters.controllers import cluster_errors, open_controller
from aap_pipeline.clusters.registry import Cluster, require_registered
from aap_pipeline.controller.answers import AUDITOR_ROLE
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.client import ControllerClient
from aap_pipeline.controller.config import ClientSettings
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.locks import LockKind, session_lock
from aap_pipeline.documents.fingerprint import fingerprint
from aap_pipeline.errors import PipelineError
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.sweep import Sweep
from aap_pipeline.raw.tally import Tally

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2
_PATIENCE_SECONDS = 3600
_SECONDS_BETWEEN_TRIES = 0.25


@dataclass(frozen=True)
class SyncRequest:
    """What to sync. Without `since` and `until`: the new jobs.

    A backfill pauses at the first end of a slice after `pause_after` seconds (None: never). `new_jobs_sensor` resumes
    it.
    """

    cluster: Cluster
    since: datetime | None = None
    until: datetime | None = None
    pause_after: float | None = None
    dagster_run_id: str | None = None
    progress: Callable[[Tally], None] = lambda _: None
    notify: Callable[[str], None] = lambda _: None
    client_settings: ClientSettings = field(default_factory=ClientSettings)


@contextmanager
def cluster_connection(database_url: str, request: SyncRequest) -> Iterator[Connection]:
    """Yield a connection in autocommit. Errors in the block become PipelineErrors of the cluster.

    Raises PipelineError for a removed cluster.
    """
    require_registered(request.cluster)
    name = "aap_pipeline sync"
    with (
        cluster_errors(request.cluster),
        connect(database_url, autocommit=True, application_name=name) as ours,
    ):
        yield ours


@contextmanager
def turn(connection: Connection, request: SyncRequest) -> Iterator[None]:
    """Wait for the cluster's sync lock and hold it for the block."""
    for attempt in range(int(_PATIENCE_SECONDS / _SECONDS_BETWEEN_TRIES)):
        with session_lock(connection, LockKind.SYNC, request.cluster.id) as ours:
            if ours:
                yield
                return
        if attempt == 0:
            request.notify(f"Waiting for another sync of cluster {request.cluster.name} to finish.")
        time.sleep(_SECONDS_BETWEEN_TRIES)
    raise PipelineError(
        f"Another sync of cluster {request.cluster.name} did not finish within {_PATIENCE_SECONDS // 60} minutes. To "
        "see its progress, run `aap-pipeline status`."
    )


@contextmanager
def sweeping(
    connection: Connection, client: ControllerClient, request: SyncRequest, store: RawStore, tally: Tally
) -> Iterator[Sweep]:
    """Yield a sweep whose workers stop at the end of the block, or at once if it fails."""
    _share_arenas()
    settings = application_settings.read(connection)
    executor = ThreadPoolExecutor(client.settings.workers, thread_name_prefix=f"sweep-{request.cluster.name}")
    try:
        yield Sweep(
            controller=ControllerApi(client),
            store=store,
            executor=executor,
            fingerprint=fingerprint,
            now=client.controller_now(),
            slice_jobs=settings.slice_jobs,
            summaries_deadline=timedelta(minutes=settings.summaries_deadline_minutes),
            in_flight=8 * client.settings.workers,
            progress=request.progress,
            tally=tally,
        )
    finally:
        client.stop_waiting()
        executor.shutdown(wait=True, cancel_futures=True)


def open_client(
    connection: Connection, database_url: str, cipher: Cipher, request: SyncRequest
) -> AbstractContextManager[ControllerClient]:
    """Open a client as `open_controller` does, with as many workers as the limits and setting sync_workers allow."""
    cluster = request.cluster
    settings = replace(
        request.client_settings,
        workers=min(application_settings.read(connection).sync_workers, cluster.manners.max_concurrent_requests),
    )
    return open_controller(database_url, cipher, cluster, settings)


def shows_no_job(cluster: Cluster) -> str:
    """Return a warning about a controller that shows no finished job, as happens if the token's user lacks a role."""
    return (
        f"{cluster.endpoint.base_url} shows no finished job. Unless none has run yet or all were deleted, the token's "
        f"user lacks a role. Give it the role {AUDITOR_ROLE}. The next sync then reads all jobs since."
    )


def _share_arenas() -> None:
    """Let all threads share two malloc arenas (glibc only).

    By default each thread has its own arena and keeps the memory of its largest responses there: a third more memory
    after 50,000 jobs than after 2,000. Call it before the threads start.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)

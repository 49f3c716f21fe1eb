"""Runs the main job for several clusters side by side: what `sync` and `demo` do.

Each run is in a process of its own: Dagster's loggers deadlock when two runs share an interpreter.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.queues import SimpleQueue
from typing import TYPE_CHECKING, Any

from aap_pipeline.dagster_instance import dagster_environment, dagster_instance
from aap_pipeline.resources import ProgressListener
from aap_pipeline.settings import Settings
from aap_pipeline.warehouse.processes import die_with_parent

if TYPE_CHECKING:
    from dagster import DagsterEvent, ExecuteInProcessResult

_SIDE_BY_SIDE = 4

_Update = tuple[str, str, int, int]


@dataclass(frozen=True)
class Window:
    """What to read, as ISO 8601 times; both None: what is new."""

    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How the run of one cluster ended: its error in one sentence, or what its assets say of themselves."""

    cluster: str
    run_id: str
    error: str | None
    metadata: Mapping[str, Mapping[str, Any]]
    """{asset key: {name: value}}, of the assets that were materialized."""


def update_clusters(
    settings: Settings, url: str, windows: Mapping[str, Window], progress: ProgressListener
) -> list[Outcome]:
    """Run the main job for each cluster {name: window}; one that fails does not hold up the others.

    `url` is the database of `settings`, migrated. The processes end with this one, however it ends.
    """
    from aap_pipeline.partitions import CLUSTERS

    with dagster_instance(settings, url) as instance:
        instance.add_dynamic_partitions(CLUSTERS.name or "", list(windows))
    # A server process imports Dagster once, and the runs fork from it.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["aap_pipeline.definitions"])
    queue: SimpleQueue[_Update | None] = context.SimpleQueue()
    environment = dagster_environment(settings, url)
    with (
        _told(progress, queue),
        ProcessPoolExecutor(
            min(_SIDE_BY_SIDE, len(windows)), context, initializer=_begin_worker, initargs=(environment, queue)
        ) as pool,
    ):
        return list(pool.map(_update, windows.keys(), windows.values()))


@contextmanager
def _told(progress: ProgressListener, queue: SimpleQueue[_Update | None]) -> Iterator[None]:
    """Hand what the processes say to `progress`, for the block."""

    def listen() -> None:
        while (update := queue.get()) is not None:
            progress.update(*update)

    listener = threading.Thread(target=listen, name="progress", daemon=True)
    listener.start()
    try:
        yield
    finally:
        queue.put(None)
        listener.join()


class _QueuedProgress:
    """The listener inside a run's process."""

    queue: SimpleQueue[_Update | None]

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        """Send it to the process that a person looks at."""
        self.queue.put((cluster, stage, done, total))


_progress = _QueuedProgress()


def _begin_worker(environment: Mapping[str, str], queue: SimpleQueue[_Update | None]) -> None:
    die_with_parent(signal.SIGKILL, parent=os.getppid())()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the processes
    os.environ.update(environment)
    _progress.queue = queue


def _update(name: str, window: Window) -> Outcome:
    from dagster import DagsterInstance

    from aap_pipeline.definitions import defs
    from aap_pipeline.jobs import update_cluster
    from aap_pipeline.raw.assets import sync_data

    with DagsterInstance.get() as instance:
        result = defs.resolve_job_def(update_cluster.name).execute_in_process(
            partition_key=name,
            instance=instance,
            resources={**(defs.resources or {}), "progress": _progress},
            run_config={
                "ops": {sync_data.op.name: {"config": asdict(window)}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},  # people see the progress instead
            },
            raise_on_error=False,
        )
        return Outcome(name, result.run_id, _error(result), _metadata(result))


def _error(result: ExecuteInProcessResult) -> str | None:
    if result.success:
        return None
    failed = (event for event in result.all_events if event.is_step_failure)
    return next((_sentence(event) for event in failed), "The run failed before its first step: see the Dagster UI.")


def _sentence(event: DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:  # Dagster wraps what happened in what it was doing
        error = error.cause
    return str(error.message).strip() if error is not None else "The step failed without a message."


def _metadata(result: ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }

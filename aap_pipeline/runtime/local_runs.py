"""Run the main job for several clusters concurrently, for `sync` and `demo`.

Each run has its own process, because Dagster's loggers deadlock when two runs share an interpreter, and because killing
one run must not end the others. The processes are forked from this one, which has imported Dagster once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from aap_pipeline.database.connection import connect, lost_connection
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.orchestration.resources import ProgressListener, Warehouse
from aap_pipeline.runtime.forks import import_for_runs
from aap_pipeline.runtime.instance import dagster_instance, prepare_dagster
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

_MAX_CONCURRENT_RUNS = 4

SyncConfiguration = Mapping[str, str]
"""Configuration of the asset raw/sync_data: `since` and `until` (ISO 8601); empty: the new jobs."""


@dataclass(frozen=True)
class SyncOutcome:
    """The outcome of one cluster's run: its error in one sentence, or the metadata of its assets."""

    cluster: str
    run_id: str
    error: str | None
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """{asset key: {name: value}}, of the assets that were materialized."""


@dataclass
class _Run:
    """A cluster's run, its process and our end of its pipe."""

    cluster: str
    run_id: str
    process: ForkProcess
    pipe: Pipe
    outcome: SyncOutcome | None = None


class LocalRuns:
    """Run the main job for several clusters, each in its own process.

    The processes are forked on entry and start when `execute` is called. They end with the block, and with this
    process. Enter the block before any thread starts, because a fork copies the locks that threads hold.
    `configurations` is by cluster name; `url` is the migrated database of `settings`.
    """

    def __init__(self, settings: Settings, url: str, configurations: Mapping[str, SyncConfiguration]) -> None:
        self._settings = settings
        self._url = url
        self._configurations = configurations
        self._runs: list[_Run] = []

    def __enter__(self) -> Self:
        import_for_runs()
        environment = prepare_dagster(self._settings, self._url)
        context = multiprocessing.get_context("fork")
        for name, configuration in self._configurations.items():
            run_id = str(uuid4())
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(environment, theirs, name, configuration, run_id))
            process.start()
            theirs.close()  # so that `recv` raises EOFError when the process exits
            self._runs.append(_Run(name, run_id, process, ours))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self._runs:
            run.process.kill()
            with suppress(ProcessLookupError):  # and its children
                os.killpg(run.process.pid or 0, signal.SIGKILL)
            run.process.join()

    def execute(self, progress: ProgressListener) -> list[SyncOutcome]:
        """Execute the runs, several concurrently, and return their outcomes. A failed run does not delay the others.

        After Ctrl-C they are killed and reported to Dagster as cancelled.
        """
        from aap_pipeline.orchestration.partitions import CLUSTERS
        from aap_pipeline.orchestration.run_liveness import end_abandoned_runs

        with dagster_instance(self._settings, self._url) as instance:
            instance.add_dynamic_partitions(CLUSTERS.name or "", list(self._configurations))
            with connect(self._url) as connection:
                end_abandoned_runs(instance, connection)  # left behind by kill -9
            try:
                return self._execute(progress)
            finally:
                self.__exit__(None, None, None)
                _report_cancelled(instance, (run.run_id for run in self._runs if run.outcome is None))

    def _execute(self, progress: ProgressListener) -> list[SyncOutcome]:
        waiting, under_way = list(reversed(self._runs)), dict[Any, _Run]()
        while waiting or under_way:
            while waiting and len(under_way) < _MAX_CONCURRENT_RUNS:
                run = waiting.pop()
                under_way[run.pipe] = run
                run.pipe.send("begin")
            for pipe in wait(list(under_way)):
                try:
                    message = under_way[pipe].pipe.recv()
                except (EOFError, OSError):
                    message = None
                if isinstance(message, tuple):
                    progress.update(*message)
                else:
                    run = under_way.pop(pipe)
                    run.outcome = message
                    run.process.join()
        return [
            run.outcome or SyncOutcome(run.cluster, run.run_id, _how_it_ended(run.process.exitcode))
            for run in self._runs
        ]


def _report_cancelled(instance: DagsterInstance, run_ids: Iterable[str]) -> None:
    """Report the runs whose process ended without an outcome to Dagster as cancelled."""
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            interrupted = "Interrupted. Committed data is kept; the next run continues from there."
            instance.report_run_canceled(run, interrupted)


def _how_it_ended(status: int | None) -> str:
    if status is not None and status < 0:
        return (
            f"The process of the run was killed by signal {-status} ({signal.Signals(-status).name}), perhaps because "
            "the machine ran out of memory. Committed data is kept. Run `aap-pipeline sync` again."
        )
    return f"The process of the run exited with status {status}. See its output above."


class _PipedProgress:
    """The progress listener in a run's process."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        """Send the progress to the parent process."""
        self._pipe.send((cluster, stage, done, total))


def _work(environment: Mapping[str, str], pipe: Pipe, name: str, configuration: SyncConfiguration, run_id: str) -> None:
    """Execute one run in its own process, once it is its turn."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgrp()  # Ctrl-C reaches the parent only, which ends the group
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    os.environ.update(environment)
    pipe.recv()
    from dagster import DagsterInstance
    from sqlalchemy.exc import OperationalError

    from aap_pipeline.orchestration.run_liveness import hold_run

    try:
        hold_run(run_id, Warehouse().url())
        with DagsterInstance.get() as instance:
            outcome = _run_job(instance, name, configuration, run_id, _PipedProgress(pipe))
    except OperationalError as error:
        outcome = SyncOutcome(name, run_id, str(lost_connection(error.orig)))
    except DatabaseUnreachable as error:
        outcome = SyncOutcome(name, run_id, str(error))
    pipe.send(outcome)


def _end_with_parent() -> None:
    """End this process and its children when the command ends, even by kill -9."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)


def _run_job(
    instance: DagsterInstance, name: str, configuration: SyncConfiguration, run_id: str, progress: ProgressListener
) -> SyncOutcome:
    from aap_pipeline.definitions import defs
    from aap_pipeline.orchestration.failures import reported_error
    from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, update_cluster
    from aap_pipeline.orchestration.run_liveness import lock_tag
    from aap_pipeline.raw.assets import sync_data

    result = defs.resolve_job_def(update_cluster.name).execute_in_process(
        run_id=run_id,
        partition_key=name,
        instance=instance,
        tags=lock_tag(run_id) | {LOCATION_TAG: LOCATION, "dagster/max_runtime": "0"},  # the command waits for its end
        resources={**(defs.resources or {}), "progress": progress},
        run_config={
            "ops": {sync_data.op.name: {"config": {**configuration, "in_one_go": True}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},  # the terminal shows the progress instead
        },
        raise_on_error=False,
    )
    error = None if result.success else reported_error(result.all_events)
    return SyncOutcome(name, result.run_id, error, _metadata(result))


def _metadata(result: ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Return the metadata of the run's assets, without previews of tables."""
    from dagster import TableMetadataValue

    return {
        event.asset_key.to_user_string(): {
            name: value.value
            for name, value in event.step_materialization_data.materialization.metadata.items()
            if not isinstance(value, TableMetadataValue)
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }

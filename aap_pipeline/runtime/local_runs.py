"""Run the main job for several clusters concurrently, for `sync` and `demo`.

Each run has its own process, because Dagster's loggers deadlock when two runs share an interpreter, and because killing
one run must not end the others. The processes are forked from this one, which has imported Dagster once.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkProcess
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aap_pipeline.database.connection import connect, lost_connection
from aap_pipeline.embedded.processes import when_parent_ends
from aap_pipeline.orchestration.resources import Progress
from aap_pipeline.runtime.instance import dagster_instance, prepare_dagster
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

_MAX_CONCURRENT_RUNS = 4

SyncConfiguration = Mapping[str, str]
"""Configuration of the asset raw/sync_data: `since` and `until` (ISO 8601). Without them, a sync reads the new jobs."""


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


@contextmanager
def local_runs(
    settings: Settings, url: str, configurations: Mapping[str, SyncConfiguration]
) -> Iterator[Callable[[Progress], list[SyncOutcome]]]:
    """Fork a process per cluster for the block, and yield a function that executes the runs.

    The processes end with the block, and with this process. Enter the block before any thread starts, because a fork
    copies the locks that threads hold. `configurations` is by cluster name; `url` is the migrated database of
    `settings`.
    """
    from aap_pipeline.runtime.run_launcher import IMPORTED_ONCE

    for module in IMPORTED_ONCE:  # before the forks, not in each
        import_module(module)
    gc.freeze()  # keeps the memory of their objects shared
    environment = prepare_dagster(settings, url)
    context = multiprocessing.get_context("fork")
    runs: list[_Run] = []
    try:
        for name, configuration in configurations.items():
            run_id = str(uuid4())
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(environment, theirs, name, configuration, run_id))
            process.start()
            theirs.close()  # so that `recv` raises EOFError when the process exits
            runs.append(_Run(name, run_id, process, ours))
        yield partial(_execute, settings, url, runs)
    finally:
        _end(runs)


def _end(runs: Sequence[_Run]) -> None:
    for run in runs:
        run.process.kill()
        with suppress(ProcessLookupError):  # and its children
            os.killpg(run.process.pid or 0, signal.SIGKILL)
        run.process.join()


def _execute(settings: Settings, url: str, runs: Sequence[_Run], progress: Progress) -> list[SyncOutcome]:
    """Execute the runs, several concurrently, and return their outcomes. A failed run does not delay the others.

    After Ctrl-C, all runs are killed, and those that have not ended are reported to Dagster as cancelled.
    """
    from aap_pipeline.orchestration.partitions import CLUSTERS
    from aap_pipeline.orchestration.run_liveness import end_abandoned_runs

    with dagster_instance(settings, url) as instance:
        instance.add_dynamic_partitions(CLUSTERS.name or "", [run.cluster for run in runs])
        with connect(url) as connection:
            end_abandoned_runs(instance, connection)  # left behind by kill -9
        try:
            with ThreadPoolExecutor(_MAX_CONCURRENT_RUNS) as pool:
                try:
                    return list(pool.map(partial(_follow, progress), runs))
                finally:
                    _end(runs)
        finally:
            for run in runs:
                found = instance.get_run_by_id(run.run_id) if run.outcome is None else None
                if found is not None and not found.is_finished:
                    interrupted = "Interrupted. Committed data is kept; the next run continues from there."
                    instance.report_run_canceled(found, interrupted)


def _follow(progress: Progress, run: _Run) -> SyncOutcome:
    """Begin a run, pass on its progress, and return its outcome once its process has ended."""
    for message in _messages(run.pipe):
        if isinstance(message, tuple):
            progress(*message)
        else:
            run.outcome = message
    run.process.join()
    return run.outcome or SyncOutcome(run.cluster, run.run_id, _how_it_ended(run.process.exitcode))


def _messages(pipe: Pipe) -> Iterator[Any]:
    with suppress(EOFError, OSError):  # the process has ended
        pipe.send("begin")
        while True:
            yield pipe.recv()


def _how_it_ended(status: int | None) -> str:
    if status is not None and status < 0:
        return (
            f"The process of the run was killed by signal {-status} ({signal.Signals(-status).name}), perhaps because "
            "the machine ran out of memory. Committed data is kept. Run `aap-pipeline sync` again."
        )
    return f"The process of the run exited with status {status}. See its output above."


def _work(environment: Mapping[str, str], pipe: Pipe, name: str, configuration: SyncConfiguration, run_id: str) -> None:
    """Execute one run in this forked process, once the parent sends "begin"."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgrp()  # Ctrl-C reaches the parent only, which ends the group
    when_parent_ends(lambda: os.killpg(0, signal.SIGKILL))
    os.environ.update(environment)
    pipe.recv()
    from dagster import DagsterInstance
    from sqlalchemy.exc import OperationalError

    try:
        with DagsterInstance.get() as instance:
            outcome = _run_job(instance, name, configuration, run_id, lambda *message: pipe.send(message))
    except OperationalError as error:
        outcome = SyncOutcome(name, run_id, str(lost_connection(error.orig)))
    pipe.send(outcome)


def _run_job(
    instance: DagsterInstance, name: str, configuration: SyncConfiguration, run_id: str, progress: Progress
) -> SyncOutcome:
    from aap_pipeline.definitions import defs
    from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, update_cluster
    from aap_pipeline.orchestration.steps import reported_error
    from aap_pipeline.raw.assets import sync_data

    result = defs.resolve_job_def(update_cluster.name).execute_in_process(
        run_id=run_id,
        partition_key=name,
        instance=instance,
        tags={LOCATION_TAG: LOCATION, "dagster/max_runtime": "0"},  # the command waits for its end
        resources={**(defs.resources or {}), "progress": progress},
        run_config={
            "ops": {sync_data.op.name: {"config": {**configuration, "pause_seconds": 0.0}}},
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

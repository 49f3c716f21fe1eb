"""Runs the main job for several clusters side by side: what `sync` and `demo` do.

Each run is in a process of its own: Dagster's loggers deadlock when two runs share an interpreter, and a process that
is killed takes no other cluster's run with it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aap_pipeline.database.connection import connect, lost_connection
from aap_pipeline.database.errors import DatabaseUnreachable
from aap_pipeline.orchestration.resources import ProgressListener, Warehouse
from aap_pipeline.orchestration.run_liveness import end_abandoned_runs, hold_run, lock_tag
from aap_pipeline.runtime.forks import forks
from aap_pipeline.runtime.instance import dagster_environment, dagster_instance
from aap_pipeline.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

_SIDE_BY_SIDE = 4


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

    `url` is the database of `settings`, migrated. The processes end with this one, however it ends; after Ctrl-C their
    runs are reported as cancelled.
    """
    from aap_pipeline.orchestration.partitions import CLUSTERS

    with dagster_instance(settings, url) as instance:
        instance.add_dynamic_partitions(CLUSTERS.name or "", list(windows))
        with connect(url) as connection:
            end_abandoned_runs(instance, connection)  # that a kill -9 left behind
        workers = _Workers(dagster_environment(settings, url), progress)
        pool = ThreadPoolExecutor(min(_SIDE_BY_SIDE, max(len(windows), 1)), thread_name_prefix="run")
        try:
            running = [pool.submit(workers.run, name, window) for name, window in windows.items()]
            return [each.result() for each in running]
        finally:
            workers.stop()  # those that Ctrl-C finds at work
            pool.shutdown(cancel_futures=True)
            workers.report(instance)


@dataclass
class _Workers:
    """The processes in which runs go, each watched by a thread that hands on what it says."""

    environment: Mapping[str, str] = field(repr=False)  # with the database's password
    progress: ProgressListener
    _processes: dict[str, ForkServerProcess] = field(default_factory=dict)
    _unfinished: set[str] = field(default_factory=set)  # ids of runs whose process ended without saying how
    _stopping: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._context = forks()

    def run(self, name: str, window: Window) -> Outcome:
        """Run the job for one cluster; returns when its process has ended."""
        run_id = str(uuid4())
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(self.environment, sender, name, window, run_id))
        with self._lock:
            if self._stopping:
                return Outcome(name, run_id, "Interrupted.", {})
            process.start()
            self._processes[name] = process
        sender.close()  # so that the end of the process is the end of what can be received
        outcome = self._listen(receiver)
        process.join()
        if outcome is None:
            self._unfinished.add(run_id)
            return Outcome(name, run_id, _how_it_ended(process.exitcode), {})
        return outcome

    def _listen(self, receiver: Pipe) -> Outcome | None:
        """The outcome that a process sends at its end; None if it ended without one."""
        try:
            while not isinstance(said := receiver.recv(), Outcome):
                self.progress.update(*said)
        except (EOFError, OSError):
            return None
        return said

    def stop(self) -> None:
        """End what still runs, and start nothing more."""
        with self._lock:
            self._stopping = True
            for process in self._processes.values():
                process.kill()
                with suppress(ProcessLookupError):  # and what it started: Dagster keeps helpers for what runs print
                    os.killpg(process.pid or 0, signal.SIGKILL)

    def report(self, instance: DagsterInstance) -> None:
        """Tell Dagster of the runs that can no longer do it themselves."""
        for run_id in self._unfinished:
            run = instance.get_run_by_id(run_id)
            if run is not None and not run.is_finished:
                instance.report_run_canceled(
                    run, "Interrupted: what was committed is kept; the next run goes on from there."
                )


def _how_it_ended(status: int | None) -> str:
    if status is not None and status < 0:
        return (
            f"The process of the run was killed by signal {-status} ({signal.Signals(-status).name}); if it was not "
            "you, the machine may lack memory. What was committed is kept: sync again."
        )
    return f"The process of the run ended with exit status {status}; what it said is above."


class _PipedProgress:
    """The listener inside a run's process."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def update(self, cluster: str, stage: str, done: int, total: int) -> None:
        """Send it to the process that a person looks at."""
        self._pipe.send((cluster, stage, done, total))


def _work(environment: Mapping[str, str], pipe: Pipe, name: str, window: Window, run_id: str) -> None:
    """One run, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgrp()  # Ctrl-C reaches the parent only, which ends the group
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    os.environ.clear()  # of what the server process had when it started
    os.environ.update(environment)
    from dagster import DagsterInstance
    from sqlalchemy.exc import OperationalError

    try:
        hold_run(run_id, Warehouse().url())
        with DagsterInstance.get() as instance:
            outcome = _run_job(instance, name, window, run_id, _PipedProgress(pipe))
    except OperationalError as error:
        outcome = Outcome(name, run_id, str(lost_connection(error.orig)), {})
    except DatabaseUnreachable as error:
        outcome = Outcome(name, run_id, str(error), {})
    pipe.send(outcome)


def _end_with_parent() -> None:
    """End this process and its helpers when the command that started it is gone, be it by kill -9.

    The parent-death signal would not do: the kernel knows the server of processes as the parent, and that lives as long
    as any of its children.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)


def _run_job(instance: DagsterInstance, name: str, window: Window, run_id: str, progress: ProgressListener) -> Outcome:
    from aap_pipeline.definitions import defs
    from aap_pipeline.orchestration.failures import reported_error
    from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, update_cluster
    from aap_pipeline.raw.assets import sync_data

    result = defs.resolve_job_def(update_cluster.name).execute_in_process(
        run_id=run_id,
        partition_key=name,
        instance=instance,
        tags=lock_tag(run_id) | {LOCATION_TAG: LOCATION, "dagster/max_runtime": "0"},  # no one waits for its end
        resources={**(defs.resources or {}), "progress": progress},
        run_config={
            "ops": {sync_data.op.name: {"config": {**asdict(window), "in_one_go": True}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},  # people see the progress instead
        },
        raise_on_error=False,
    )
    return Outcome(
        name, result.run_id, None if result.success else reported_error(result.all_events), _metadata(result)
    )


def _metadata(result: ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }

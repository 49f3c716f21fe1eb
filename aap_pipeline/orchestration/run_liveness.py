"""Runs whose process is gone: found and ended, so that they do not keep their cluster from being synced for ever.

Dagster's run monitoring sees a run that never starts, but not one whose process was killed: neither its default
launcher nor runs in process tell it. So each run names its process in a tag.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, PARTITION_TAG, UNFINISHED

if TYPE_CHECKING:
    from dagster import (
        AssetCheckExecutionContext,
        AssetExecutionContext,
        DagsterInstance,
        DagsterRun,
        OpExecutionContext,
        RunRecord,
    )

PROCESS_TAG = ".dagster/aap_pipeline_process"
"""Which process executes a run: `run id/host/boot/pid/start`. A re-execution inherits the tag, but not the run id. The
UI hides tags that begin like this one: it would stand in every line of the list of runs, and tell a person nothing."""

_UNNAMED_AT_MOST = timedelta(minutes=10)
"""A run names its process when it is launched, or else in its first step, seconds after its start."""

_GONE = (
    "The process of this run is gone: it was killed, or its machine was. What it committed is kept, and the next run "
    "goes on from there."
)


@dataclass(frozen=True)
class Process:
    """A process that can be told from a later one with the same pid: by its start, in ticks since the boot."""

    host: str
    boot: str
    pid: int
    start: str


def this_process() -> Process:
    """The process that asks."""
    return Process(socket.gethostname(), _boot(), os.getpid(), _start(os.getpid()) or "")


def process_tag(run_id: str, pid: int | None = None) -> dict[str, str]:
    """The tag that says: this process, or the one named by `pid` on this machine, executes the run."""
    pid = os.getpid() if pid is None else pid
    return {PROCESS_TAG: f"{run_id}/{socket.gethostname()}/{_boot()}/{pid}/{_start(pid) or ''}"}


def note_process(context: AssetExecutionContext | AssetCheckExecutionContext | OpExecutionContext) -> None:
    """Name this process as the one that executes the run of `context`."""
    tag = process_tag(context.run.run_id)
    if context.run.tags.get(PROCESS_TAG) != tag[PROCESS_TAG]:
        context.instance.add_run_tags(context.run.run_id, tag)


def process_of(run_id: str, tag: str | None) -> Process | None:
    """The process that a run's tag names; None where it has none of its own."""
    parts = (tag or "").split("/")
    if len(parts) != 5 or parts[0] != run_id or not parts[3].isdigit():
        return None
    return Process(parts[1], parts[2], int(parts[3]), parts[4])


def is_gone(process: Process, here: Process) -> bool:
    """Whether `process` has ended, as seen from the process `here`; another machine's cannot be judged."""
    if process.host != here.host:
        return False
    if process.boot != here.boot:
        return True
    if here.start:
        return _start(process.pid) != process.start
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def end_abandoned_runs(instance: DagsterInstance) -> list[DagsterRun]:
    """Report the runs of ours whose process is gone as failed; return those that wait or are under way.

    Of all jobs, also of the one without a name of ours to which Dagster gives what people start from an asset's page:
    one that is abandoned holds its cluster's place in the queue against all others.
    """
    from dagster import RunsFilter

    here, now = this_process(), datetime.now(UTC)
    left = []
    for record in instance.get_run_records(RunsFilter(statuses=UNFINISHED)):
        if is_abandoned(record, here, now):
            instance.report_run_failed(record.dagster_run, _GONE)
        else:
            left.append(record.dagster_run)
    return left


def busy_clusters(runs: Iterable[DagsterRun]) -> set[str]:
    """The clusters of which one of these `runs` waits or is under way, whatever its job: no other could start yet."""
    return {run.tags.get(PARTITION_TAG, "") for run in runs}


def is_abandoned(record: RunRecord, here: Process, now: datetime) -> bool:
    """Whether nobody executes a run that Dagster believes to be under way, as seen from the process `here`."""
    run = record.dagster_run
    process = process_of(run.run_id, run.tags.get(PROCESS_TAG))
    if process is not None:
        return is_gone(process, here)
    if run.tags.get(LOCATION_TAG) != LOCATION:  # other people's runs name no process
        return False
    return record.start_time is not None and now.timestamp() - record.start_time > _UNNAMED_AT_MOST.total_seconds()


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _start(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat; None where there is no such process, or no /proc."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in ("Z", "X") else fields[19]
    return None

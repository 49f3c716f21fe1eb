"""Runs whose process is gone: found and ended, so that they do not keep their cluster from being synced for ever.

Dagster's run monitoring sees a run that never starts, but with most launchers not one whose process was killed. So the
process of each run holds an advisory lock in PostgreSQL, named by the run. Any machine and any container sees whether
the lock is held, and the server releases it when the process, its machine or its network is gone.
"""

from __future__ import annotations

import atexit
import zlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.locks import LockKind, share_session_lock, try_advisory_xact_lock
from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, PARTITION_TAG, UNFINISHED

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun, RunRecord

    from aap_pipeline.orchestration.steps import StepContext

_LOCK_TAG = ".dagster/aap_pipeline_lock"
"""The id of the run whose lock is held. A re-execution inherits the tag, but not the id. The UI hides tags that begin
with `.dagster/`: this one would stand in every line of the list of runs."""

_UNLOCKED_AT_MOST = timedelta(minutes=2)
"""A run takes its lock in its first step, seconds after its start."""

_GONE = (
    "The process of this run is gone: it was killed, or its machine was. What it committed is kept, and the next run "
    "goes on from there."
)

_held: dict[str, Connection] = {}
"""The connection that holds the lock of the run that this process executes, by the run's id: one at a time."""


def lock_tag(run_id: str) -> dict[str, str]:
    """The tag of a run whose process holds its lock."""
    return {_LOCK_TAG: run_id}


def hold_run(run_id: str, url: str) -> None:
    """Hold the lock of a run in the database at `url` until this process ends or begins another run."""
    for _ in range(2):
        if run_id not in _held:
            _release()
            _held[run_id] = connect(url, autocommit=True, application_name=f"aap_pipeline run {run_id}")
        try:
            share_session_lock(_held[run_id], LockKind.RUN, _number(run_id))
            return
        except psycopg.OperationalError:  # the server was restarted between two steps
            _release()


def note_run(context: StepContext, url: str) -> None:
    """Hold the lock of the run of `context`, and say so in the run's tags."""
    run_id = context.run.run_id
    hold_run(run_id, url)
    if context.run.tags.get(_LOCK_TAG) != run_id:
        context.instance.add_run_tags(run_id, lock_tag(run_id))


@atexit.register
def _release() -> None:
    while _held:
        with suppress(psycopg.OperationalError):
            _held.popitem()[1].close()


def end_abandoned_runs(
    instance: DagsterInstance, connection: Connection, now: datetime | None = None
) -> list[DagsterRun]:
    """Report our runs whose process is gone as failed, and return the queued and running ones.

    Of all jobs, also of the one without a name of ours to which Dagster gives what people start from an asset's page:
    one that is abandoned holds its cluster's place in the queue against all others. `connection` is to the warehouse.
    """
    from dagster import RunsFilter

    now = now or datetime.now(UTC)
    left = []
    for record in instance.get_run_records(RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if not _is_abandoned(record, connection, now):
            left.append(run)
        elif (latest := instance.get_run_by_id(run.run_id)) is not None and not latest.is_finished:
            instance.report_run_failed(latest, _GONE)  # it gave its lock back without having ended the run
    return left


def busy_clusters(runs: Iterable[DagsterRun]) -> set[str]:
    """Return the clusters with a queued or running run of any job among `runs`, so that no other could start."""
    return {run.tags.get(PARTITION_TAG, "") for run in runs}


def _is_abandoned(record: RunRecord, connection: Connection, now: datetime) -> bool:
    """Whether no process executes a run that Dagster believes to be under way."""
    run = record.dagster_run
    if run.tags.get(_LOCK_TAG) == run.run_id:
        with connection.transaction():
            return try_advisory_xact_lock(connection, LockKind.RUN, _number(run.run_id))
    if run.tags.get(LOCATION_TAG) != LOCATION:  # runs of other code locations take no lock
        return False
    return record.start_time is not None and now.timestamp() - record.start_time > _UNLOCKED_AT_MOST.total_seconds()


def _number(run_id: str) -> int:
    """The run's number among locks. Two runs that share one only look alive while either is."""
    return zlib.crc32(run_id.encode()) - 2**31

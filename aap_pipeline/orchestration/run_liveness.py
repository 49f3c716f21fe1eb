"""Find and end abandoned runs, which would block the syncs of their clusters forever.

Dagster's run monitoring detects runs that never start, but with most launchers not those whose process was killed.
Therefore the process of each run holds an advisory lock of PostgreSQL, which any machine or container can test. The
server releases it when the process ends or its machine or network fails.
"""

import atexit
import zlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import dagster as dg
import psycopg

from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.locks import LockKind, share_session_lock, try_advisory_xact_lock
from aap_pipeline.orchestration.jobs import LOCATION, LOCATION_TAG, PARTITION_TAG, UNFINISHED

StepContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext

_LOCK_TAG = ".dagster/aap_pipeline_lock"
"""Tag with the id of the run whose lock is held: a re-execution inherits the tag, but not the id. The UI's list of runs
hides tags that begin with `.dagster/`."""

_UNLOCKED_AT_MOST = timedelta(minutes=2)
"""A run takes its lock in its first step, seconds after its start."""

_GONE = (
    "The process of this run was killed, or its machine failed. The data that it committed is kept, and the next run "
    "resumes there."
)

_held: dict[str, Connection] = {}
"""{run id: connection that holds its lock}, of the one run that this process executes."""


def lock_tag(run_id: str) -> dict[str, str]:
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
    """Hold the lock of the run of `context`, and tag the run."""
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
    instance: dg.DagsterInstance, connection: Connection, now: datetime | None = None
) -> list[dg.DagsterRun]:
    """Report our runs whose process is gone as failed, and return the queued and running ones.

    Covers all jobs, including Dagster's implicit one for assets materialized in the UI, because an abandoned run of any
    job blocks its cluster's place in the queue. `connection` is to the warehouse.
    """
    now = now or datetime.now(UTC)
    left = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if not _is_abandoned(record, connection, now):
            left.append(run)
        elif (latest := instance.get_run_by_id(run.run_id)) is not None and not latest.is_finished:
            instance.report_run_failed(latest, _GONE)  # its process released the lock without ending the run
    return left


def busy_clusters(runs: Iterable[dg.DagsterRun]) -> set[str]:
    """Return the clusters with a queued or running run of any job among `runs`, so that no other could start."""
    return {run.tags.get(PARTITION_TAG, "") for run in runs}


def _is_abandoned(record: dg.RunRecord, connection: Connection, now: datetime) -> bool:
    """Return whether no process executes a run that has not ended in Dagster's storage."""
    run = record.dagster_run
    if run.tags.get(_LOCK_TAG) == run.run_id:
        with connection.transaction():
            return try_advisory_xact_lock(connection, LockKind.RUN, _number(run.run_id))
    if run.tags.get(LOCATION_TAG) != LOCATION:  # runs of other code locations take no lock
        return False
    return record.start_time is not None and now.timestamp() - record.start_time > _UNLOCKED_AT_MOST.total_seconds()


def _number(run_id: str) -> int:
    """Return the run's lock number. Two runs with the same number look alive while one of them is."""
    return zlib.crc32(run_id.encode()) - 2**31

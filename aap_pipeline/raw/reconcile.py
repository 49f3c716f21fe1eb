"""Reconciliation: compare each day with the controller's own count, and fetch missing jobs.

It proves that no job is missing, and repairs what a sync cannot notice: a clock that was hours off, a row deleted by
hand, host summaries that arrived after their deadline.

The jobs of a day are counted by their range of ids, because a controller sorts all jobs that a filter by date keeps.
Neighbouring ranges leave no gap. So a job that finished on another day than its neighbours is counted, too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from aap_pipeline.controller import paging
from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.documents.raw_documents import finished_of
from aap_pipeline.raw.session import SyncRequest, cluster_connection, shows_no_job, sweeping, turn
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.sweep import Sweep, is_gone
from aap_pipeline.raw.sync_runs import logged_run
from aap_pipeline.raw.window import Window

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_IDS_A_TIME = 200
_LISTED = 2000
"""Jobs of a range that differs are listed up to this number; more are halved."""
_NEAR = timedelta(hours=1)


@dataclass(frozen=True)
class DayCount:
    """Numbers of finished jobs of one UTC day (ISO 8601), by their range of ids: at the controller, and stored."""

    day: str
    theirs: int
    ours: int


@dataclass(frozen=True)
class Reconciliation:
    """The result of a reconciliation, in ids of jobs.

    `missing`: not stored before; `late`: host summaries arrived after the deadline. Both are stored now. Of the doubted
    jobs, `again` were read again, and `gone` no longer exist at the controller.
    """

    days: int
    differing: tuple[DayCount, ...]
    missing: tuple[int, ...]
    late: tuple[int, ...]
    requests: int
    again: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()


def differing_days(theirs: Mapping[str, int], ours: Mapping[str, int]) -> list[DayCount]:
    """Return the days on which a job may be missing, in order.

    A day with more stored jobs than the controller counts, usually after a clean-up there, can hide a missing job, so
    it is included unless the controller has no job left.
    """
    counts = [DayCount(day, count, ours.get(day, 0)) for day, count in sorted(theirs.items())]
    return [count for count in counts if count.theirs and count.theirs != count.ours]


def days_of(first: date, until: datetime) -> dict[str, Window]:
    """Return the UTC days (ISO 8601) from `first` on as windows; the last one ends at `until`."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    found = {}
    while start <= until:
        found[start.date().isoformat()] = Window(start - _MICROSECOND, min(start + _DAY - _MICROSECOND, until))
        start += _DAY
    return found


def reconcile(
    database_url: str,
    cipher: Cipher,
    request: SyncRequest,
    *,
    first: date | None = None,
    doubted: Collection[int] = (),
) -> Reconciliation:
    """Compare every day since `first` (UTC; default: the days of a first sync) and repair those that differ.

    Today is compared up to the watermark minus the overlap. `doubted`: jobs to read again in any case. Costs one
    request per day, and one per 200 jobs of each day that differs. Raises as `sync_cluster` does.
    """
    with (
        cluster_connection(database_url, request) as connection,
        turn(connection, request),
        logged_run(connection, database_url, cipher, request, "reconcile") as (run, client),
    ):
        api, store = ControllerApi(client), RawStore(connection, request.cluster.id)
        shows_jobs = api.has_finished_jobs()
        days = _days_to_compare(connection, request, api, first)
        differing: list[DayCount] = []
        missing: set[int] = set()
        if days and not shows_jobs:  # counts of zero on all days prove nothing
            request.notify(shows_no_job(request.cluster))
            days = {}
        with sweeping(connection, client, request, store, run.tally) as sweep:
            if days:
                differing, missing = _compare(api, sweep, store, days)
            late, deleted = _reread(api, sweep, store.given_up(), overdue=False)
            store.forget(deleted)
            again, gone = _reread(api, sweep, doubted, overdue=True)  # except those that the next sync awaits
            store.settle(gone)
        requests = client.statistics.requests
    return Reconciliation(
        len(days), tuple(differing), tuple(sorted(missing)), tuple(late), requests, tuple(again), tuple(gone)
    )


def _days_to_compare(
    connection: Connection, request: SyncRequest, api: ControllerApi, first: date | None
) -> dict[str, Window]:
    """Return the days up to the watermark minus the overlap; none before the first sync."""
    now = api.client.controller_now()
    watermark = RawStore(connection, request.cluster.id).watermark()
    if watermark is None:
        return {}
    settings = application_settings.read(connection)
    if first is None:
        first = (now - timedelta(days=settings.initial_sync_days)).date() + _DAY
    elif oldest := api.oldest_finished():
        first = max(first, oldest.astimezone(UTC).date())  # the controller has no jobs before
    overlap = timedelta(minutes=settings.sync_overlap_minutes)
    return days_of(first, min(watermark, now - overlap).astimezone(UTC))


def _compare(
    api: ControllerApi, sweep: Sweep, store: RawStore, days: Mapping[str, Window]
) -> tuple[list[DayCount], set[int]]:
    """Store the missing jobs of `days`. Returns the days whose counts differed, and the ids of the jobs."""
    whole = Window(min(day.after for day in days.values()), max(day.until for day in days.values()))
    spans = _ids_of(api, store, sorted(days), whole)
    stored = store.stored_by_id([number for span in spans.values() for number in span])
    ours = {day: stored.get(upto_id, 0) for day, (_, upto_id) in spans.items()}
    theirs = {day: api.finished_count(*span) for day, span in spans.items()}
    found: set[int] = set()
    for count in differing_days(theirs, ours):
        rows = list(_not_stored(api, store, *spans[count.day], count.theirs))
        nameless = store.without_id("job", [sweep.fingerprint(row) for row in rows if id_of(row) is None])
        missing = [
            row
            for row in rows
            if whole.after < (finished_of(row) or whole.until) <= whole.until
            and (id_of(row) or sweep.fingerprint(row) not in nameless)
        ]
        theirs[count.day] -= len(rows) - len(missing)
        ids = paging.ids_of(missing)
        sweep.reread(missing, api.unreported_job_ids(min(ids) - 1, max(ids)) if ids else ())
        found |= store.stored_ids(ids)
    return differing_days(theirs, ours), found


def _ids_of(api: ControllerApi, store: RawStore, days: Sequence[str], whole: Window) -> dict[str, tuple[int, int]]:
    """Return the ranges of ids (after, up to) of the last day and of those with stored jobs, without gaps."""
    newest = store.newest_ids_by_day(Window(whole.after - _DAY, whole.until))
    before = [number for day, number in newest.items() if day < days[0]]
    after_id = max(before) if before else min(api.ids_near([whole.after - _NEAR], _NEAR), default=0)
    spans = {}
    for day in days:
        upto_id = max(after_id, api.newest_id() if day == days[-1] else newest.get(day, 0))
        if upto_id > after_id:
            spans[day] = (after_id, upto_id)
        after_id = upto_id
    return spans


def _not_stored(api: ControllerApi, store: RawStore, after_id: int, upto_id: int, theirs: int) -> Iterator[Row]:
    """Yield the controller's `theirs` finished jobs with `after_id` < id ≤ `upto_id` that are not stored.

    Many are halved first, and halves whose counts agree are not listed.
    """
    if theirs <= _LISTED:
        rows = api.finished_jobs(after_id, upto_id)
        known = store.stored_ids(paging.ids_of(rows))
        yield from (row for row in rows if id_of(row) not in known)
        return
    middle = (after_id + upto_id) // 2
    for low, high in ((after_id, middle), (middle, upto_id)):
        counted = api.finished_count(low, high)
        if counted and counted != store.stored_by_id((low, high)).get(high, 0):
            yield from _not_stored(api, store, low, high, counted)


def _reread(api: ControllerApi, sweep: Sweep, jobs: Collection[int], *, overdue: bool) -> tuple[list[int], list[int]]:
    """Read again those of the `jobs` that have reported and, if `overdue`, those past their deadline.

    Returns the jobs that were read, and those that the controller has deleted.
    """
    ids = sorted(jobs)
    again: list[int] = []
    missing: set[int] = set()
    for start in range(0, len(ids), _IDS_A_TIME):
        asked = ids[start : start + _IDS_A_TIME]
        reported = api.jobs_by_ids(asked, reported=True)
        silent = api.jobs_by_ids(sorted(set(asked) - set(paging.ids_of(reported))), reported=False)
        given_up = [job for job in silent if overdue and sweep.is_overdue(finished_of(job))]
        sweep.reread(reported)
        sweep.reread(given_up, asked)
        again += paging.ids_of(reported + given_up)
        missing |= set(asked) - set(paging.ids_of(reported + silent))
    return again, sorted(number for number in missing if is_gone(api, number))

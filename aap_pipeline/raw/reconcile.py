"""Reconciliation: holds each past day against the controller's own count, and fetches what turns out to be missing.

The sync needs no help from it; it is the proof that nothing is missing, and the remedy for what no sync can see: a
clock that was hours off, a row deleted here by hand, host summaries that came after their deadline.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg

from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.redaction import redact
from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.encryption import Cipher
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.raw_documents import RawJob
from aap_pipeline.raw.runs import begin_run, end_run, report_of
from aap_pipeline.raw.session import Access, SyncRequest, cluster_connection, open_client, shows_no_job, sweeping, turn
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.sweep import Sweep, is_gone
from aap_pipeline.raw.tally import Tally
from aap_pipeline.raw.window import Plan, Window

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_IDS_A_TIME = 200


@dataclass(frozen=True)
class DayCount:
    """Finished jobs of one UTC day, as the controller counts them and as they are here."""

    day: date
    theirs: int
    ours: int


@dataclass(frozen=True)
class Reconciliation:
    """What a reconciliation found. `missing`: ids of jobs that were not here, and are now; `late`: ids of jobs whose
    host summaries came after the deadline, and are here now."""

    days: int
    differing: tuple[DayCount, ...]
    missing: tuple[int, ...]
    late: tuple[int, ...]
    requests: int


def differing_days(theirs: Mapping[date, int], ours: Mapping[date, int]) -> list[DayCount]:
    """The days, in order, on which something may be missing here.

    More here than there is what a clean-up at the controller leaves, but can hide a missing job, so such a day counts;
    a day on which the controller has nothing left does not.
    """
    counts = [DayCount(day, count, ours.get(day, 0)) for day, count in sorted(theirs.items())]
    return [count for count in counts if count.theirs and count.theirs != count.ours]


def past_days(now: datetime, watermark: datetime | None, first: date) -> list[date]:
    """The whole UTC days from `first` on that are over at `now` and that the sync is past: none before it has begun."""
    if watermark is None:
        return []
    last = min(now.astimezone(UTC).date(), watermark.astimezone(UTC).date()) - _DAY
    return [first + index * _DAY for index in range((last - first).days + 1)]


def window_of(first: date, last: date) -> Window:
    """Everything that finished on the UTC days from `first` to `last`."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Window(start - _MICROSECOND, start + (last - first + _DAY) - _MICROSECOND)


def reconcile(database_url: str, cipher: Cipher, request: SyncRequest, *, first: date | None = None) -> Reconciliation:
    """Compare every past day since `first` (UTC; default: as far as a first sync looks back) and repair what differs.

    One request a day, and for each day that differs one for 200 jobs. Raises as `sync_cluster` does.
    """
    started = time.monotonic()
    with cluster_connection(database_url, request) as connection, turn(connection, request):
        run = begin_run(connection, request.cluster.id, "reconcile", request.dagster_run_id)
        tally, client = Tally(), None
        try:
            with open_client(connection, Access(database_url, cipher), request) as client:
                found = _reconcile(connection, ControllerApi(client), request, tally, first)
                report = report_of(client, None, tally, started)
        except Exception as error:
            with suppress(psycopg.Error):
                known = client.secrets() if client else frozenset()
                end_run(connection, run, report_of(client, None, tally, started), redact(str(error), known))
            raise
        end_run(connection, run, report, None)
    return found


def _reconcile(
    connection: Connection, api: ControllerApi, request: SyncRequest, tally: Tally, first: date | None
) -> Reconciliation:
    newest = api.newest_finished()
    now = api.client.controller_now()
    row = connection.execute(statement("raw/watermark"), {"cluster": request.cluster.id}).fetchone()
    if first is None:
        first = (now - timedelta(days=options.get(connection, options.INITIAL_SYNC_DAYS))).date() + _DAY
    elif oldest := api.oldest_finished():
        first = max(first, oldest.astimezone(UTC).date())  # before it there is nothing to compare
    watermark = row[0] if row else None
    days = past_days(now, watermark, first)
    if newest is None and watermark is not None:  # counts that are all zero prove nothing
        request.tell(shows_no_job(request.cluster, watermark))
        days = []
    store = _NotingStore(connection, request.cluster.id)
    differing: list[DayCount] = []
    with sweeping(connection, api.client, request, store, tally) as sweep:
        if days:
            theirs = {day: api.jobs_count(*_ends(window_of(day, day))) for day in days}
            differing = differing_days(theirs, store.stored_by_day(window_of(days[0], days[-1])))
            for count in differing:
                store.plan = Plan(window_of(count.day, count.day), moves_watermark=False)
                sweep.run(store.plan)
        late = _reread_late(api, sweep, store)
    requests = api.client.statistics.snapshot().requests
    return Reconciliation(len(days), tuple(differing), tuple(sorted(store.missing)), tuple(late), requests)


def _reread_late(api: ControllerApi, sweep: Sweep, store: RawStore) -> list[int]:
    """Read again the jobs given up at their deadline that have reported since; forget those that are gone there."""
    given_up, late = sorted(store.given_up()), []
    for start in range(0, len(given_up), _IDS_A_TIME):
        asked = given_up[start : start + _IDS_A_TIME]
        reported = api.jobs_by_ids(asked, reported=True)
        sweep.reread(reported)
        late += [job["id"] for job in reported]
        rest = set(asked) - {job["id"] for job in reported}
        if rest:
            silent = {job["id"] for job in api.jobs_by_ids(sorted(rest), reported=False)}
            store.forget({number for number in rest - silent if is_gone(api, number)})
    return late


def _ends(window: Window) -> tuple[datetime, datetime]:
    return window.after, window.until


class _NotingStore(RawStore):
    """Notes which of the jobs that it writes were not here."""

    def __init__(self, connection: Connection, cluster_id: int) -> None:
        super().__init__(connection, cluster_id)
        self.missing: set[int] = set()

    def write(self, jobs: Sequence[RawJob]) -> None:
        self._note(jobs)
        super().write(jobs)

    def finish_slice(self, jobs: Sequence[RawJob], until: datetime, newest: datetime | None) -> None:
        self._note(jobs)
        super().finish_slice(jobs, until, newest)

    def _note(self, jobs: Sequence[RawJob]) -> None:
        ids = {job.external_id for job in jobs if job.external_id is not None}
        self.missing |= ids - self.stored_ids(ids)

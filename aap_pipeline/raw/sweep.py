"""The sweep: reads every finished job of a window from a controller and hands it to a store, losing none.

The rules, and why they hold, are in docs/architecture.md. No HTTP, no SQL, no Dagster here: a `Controller` answers, a
`Store` keeps, both are protocols.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from aap_pipeline.controller.errors import ControllerError, CorruptBody, IncompleteAnswer, NotFound
from aap_pipeline.raw.documents import Document, RawJob, finished_of, id_of, labels_are_cut, raw_job
from aap_pipeline.raw.window import Plan, Window

_PAGE_SIZE = 200
_ATTEMPTS_PER_SLICE = 3
_WRITE_BYTES = 4_000_000
_WRITE_JOBS = 500


class Controller(Protocol):
    """What the sweep asks of a controller. Every answer is whole, or an error: never a part of one."""

    def jobs_count(self, finished_gt: datetime, finished_lte: datetime) -> int:
        """How many jobs finished in (finished_gt, finished_lte]."""

    def jobs_page(self, finished_gt: datetime, finished_lte: datetime, after_id: int, limit: int) -> list[Document]:
        """The `limit` jobs of that window with the lowest ids above `after_id`, by id."""

    def jobs_by_ids(self, ids: Sequence[int]) -> list[Document]:
        """Those of the jobs `ids` that still exist."""

    def pending_job_ids(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, upto_id: int
    ) -> Sequence[int]:
        """Jobs of that window with after_id < id <= upto_id whose host summaries are not written yet."""

    def host_summaries(self, job_id: int) -> list[Document]:
        """All host summaries of a job."""

    def labels(self, job_id: int) -> list[Document]:
        """All labels of a job, where its own row has the first ten."""


class Store(Protocol):
    """What the sweep asks of the store. Each call is one transaction."""

    def known(self, fingerprints: Mapping[int, bytes]) -> Mapping[int, bool]:
        """Of the jobs {id: fingerprint}, those stored as they are now; True: stored, host summaries still awaited."""

    def write(self, jobs: Sequence[RawJob]) -> None:
        """Keep `jobs`."""

    def finish_slice(self, jobs: Sequence[RawJob], until: datetime, newest: datetime | None) -> None:
        """Keep the last `jobs` of a slice that ends at `until`, and with them that all up to there is here."""

    def awaited(self) -> Mapping[int, datetime]:
        """Stored jobs {id: finished} whose host summaries are still awaited."""

    def give_up(self, ids: Collection[int]) -> None:
        """Stop waiting for the host summaries of jobs that the controller no longer has."""


@dataclass(frozen=True)
class SweepOptions:
    """How much at a time, and how long to wait for late host summaries."""

    slice_jobs: int = 2000
    summaries_deadline: timedelta = timedelta(hours=2)
    in_flight: int = 64
    """Jobs whose host summaries are under way or wait to be written: what bounds the memory."""


@dataclass
class Tally:
    """What a sweep has done so far."""

    counted: int = 0
    slices: int = 0
    seen: int = 0
    stored: int = 0
    known: int = 0
    provisional: int = 0
    vanished: int = 0
    host_summaries: int = 0
    newest: datetime | None = None


@dataclass
class Sweep:
    """One pass over a window. `now` is the controller's time; `progress` is called as jobs are done."""

    controller: Controller
    store: Store
    executor: Executor
    fingerprint: Callable[[Document], bytes]
    now: datetime
    options: SweepOptions = field(default_factory=SweepOptions)
    progress: Callable[[Tally], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)

    _in_flight: deque[Future[RawJob | None]] = field(default_factory=deque)
    _buffer: list[RawJob] = field(default_factory=list)
    _buffered_bytes: int = 0
    _vanished: set[int] = field(default_factory=set)

    def run(self, plan: Plan, resume_after: datetime | None = None) -> Tally:
        """Read `plan`'s window, oldest slice first, from `resume_after` on if an earlier run came that far.

        Raises a ControllerError for an answer that failed for good or stayed incomplete: what was read until then is
        stored, and the watermark stands before the slice that failed.
        """
        try:
            self._settle_awaited()
            window = Window(max(plan.window.after, resume_after or plan.window.after), plan.window.until)
            for piece, counted in self._slices(window):
                newest = self._read_slice(piece, counted)
                self.store.finish_slice(self._take_buffer(), piece.until, newest)
                self.tally.slices += 1
        except ControllerError:
            self._keep_what_arrived()
            raise
        return self.tally

    def _slices(self, window: Window) -> Iterator[tuple[Window, int]]:
        """Cut `window` where the controller counts too many jobs; the oldest piece first, with its count."""
        pieces = [window]
        while pieces:
            piece = pieces.pop()
            # Asked anew for each piece: a count derived from its neighbour's would be wrong by what changed meanwhile.
            counted = self.controller.jobs_count(piece.after, piece.until)
            if piece is window:
                self.tally.counted = counted
            if counted > self.options.slice_jobs and piece.divisible:
                earlier, later = piece.halves()
                pieces += [later, earlier]
            else:
                yield piece, counted

    def _read_slice(self, window: Window, counted: int) -> datetime | None:
        """Read until as much has arrived as the controller counts; return the newest finish time."""
        if counted == 0:
            return None
        before = self.tally.seen
        for _ in range(_ATTEMPTS_PER_SLICE):
            self.tally.seen = before
            self._vanished.clear()
            newest = self._read(window, counted)
            seen = self.tally.seen - before
            # Jobs deleted meanwhile are not missing, so a new count decides, not the first one.
            enough = seen >= counted or seen >= self.controller.jobs_count(window.after, window.until)
            if enough and not self._still_there():
                self.tally.newest = max(filter(None, (self.tally.newest, newest)), default=None)
                return newest
        raise IncompleteAnswer(
            f"The controller counts {counted} jobs finished between {window.after.isoformat()} and "
            f"{window.until.isoformat()} but delivered {seen}, {_ATTEMPTS_PER_SLICE} times over. Nothing is lost: the "
            "next sync reads this stretch again. If it stays so, ask the controller's administrator for its logs."
        )

    def _read(self, window: Window, counted: int) -> datetime | None:
        """One pass over a slice by keyset, the next page under way while this one's host summaries arrive."""
        newest, last_id, seen = None, 0, 0
        page = self.controller.jobs_page(window.after, window.until, last_id, _PAGE_SIZE)
        while page:
            last_id = _last_id(page, last_id)
            newest = max((moment for job in page if (moment := finished_of(job))), default=newest)
            seen += len(page)
            upcoming = None
            if len(page) >= _PAGE_SIZE or seen < counted:  # a controller may cap its pages below what we ask for
                upcoming = self.executor.submit(
                    self.controller.jobs_page, window.after, window.until, last_id, _PAGE_SIZE
                )
            self._take_page(page, window)
            page = upcoming.result() if upcoming else []
        self._drain(0)
        return newest

    def _take_page(self, page: list[Document], window: Window) -> None:
        """Have the host summaries fetched of those jobs of a page that are new, changed or awaited."""
        self.tally.seen += len(page)
        fingerprints = {number: self.fingerprint(job) for job in page if (number := id_of(job)) is not None}
        known = self.store.known(fingerprints)
        wanted = [job for job in page if known.get(id_of(job) or 0, True)]
        # Asked after the jobs and before their host summaries: a job that is not pending now has all of them, for the
        # controller writes them before it stops calling the job pending.
        pending: set[int] = set()
        if fingerprints and any(self._may_be_pending(job) for job in wanted):
            pending = self._pending(window, fingerprints)
        for job in wanted:
            number = id_of(job) or 0
            awaited = number in pending and self._may_be_pending(job)
            if awaited and number in known:
                continue  # stored without host summaries, and still without
            self._fetch(job, fingerprints.get(number), provisional=awaited)
        self._tell_progress()

    def _settle_awaited(self) -> None:
        """Read again the jobs whose host summaries were awaited: those that have them now, and those past waiting."""
        awaited = self.store.awaited()
        if not awaited:
            return
        window = Window(min(awaited.values()) - timedelta(microseconds=1), max(awaited.values()))
        pending = self._pending(window, awaited)
        overdue = {number for number, finished in awaited.items() if self._is_overdue(finished)}
        due = sorted((awaited.keys() - pending) | overdue)
        for start in range(0, len(due), _PAGE_SIZE):
            asked = due[start : start + _PAGE_SIZE]
            found = self.controller.jobs_by_ids(asked)
            for job in found:
                self._fetch(job, self.fingerprint(job), provisional=False)
            self._drain(0)
            self.store.write(self._take_buffer())
            self.store.give_up(set(asked) - {job["id"] for job in found})

    def _pending(self, window: Window, ids: Collection[int]) -> set[int]:
        return set(self.controller.pending_job_ids(window.after, window.until, min(ids) - 1, max(ids)))

    def _fetch(self, job: Document, fingerprint: bytes | None, *, provisional: bool) -> None:
        fingerprint = fingerprint or self.fingerprint(job)
        self._in_flight.append(self.executor.submit(self._complete, job, fingerprint, provisional=provisional))
        self._drain(self.options.in_flight)

    def _complete(self, job: Document, fingerprint: bytes, *, provisional: bool) -> RawJob | None:
        """In a worker: `job` with everything that its list row lacks; None if the controller deleted it meanwhile."""
        number = id_of(job)
        if number is None:  # the core stage will refuse it, and say why
            return raw_job(job, [], None, fingerprint, provisional=False)
        try:
            labels = self.controller.labels(number) if labels_are_cut(job) else None
            host_summaries = self.controller.host_summaries(number)
        except NotFound:
            self._vanished.add(number)
            return None
        return raw_job(job, host_summaries, labels, fingerprint, provisional=provisional)

    def _drain(self, limit: int) -> None:
        """Take what has arrived, in order, until at most `limit` jobs are under way; write what makes a good batch."""
        while len(self._in_flight) > limit:
            job = self._in_flight.popleft().result()
            if job is None:
                continue
            self._buffer.append(job)
            self._buffered_bytes += len(job.document)
            if len(self._buffer) >= _WRITE_JOBS or self._buffered_bytes >= _WRITE_BYTES:
                self.store.write(self._take_buffer())
                self._tell_progress()

    def _take_buffer(self) -> list[RawJob]:
        jobs, self._buffer, self._buffered_bytes = self._buffer, [], 0
        self.tally.stored += len(jobs)
        self.tally.provisional += sum(job.provisional for job in jobs)
        self.tally.host_summaries += sum(job.host_summaries for job in jobs)
        return jobs

    def _keep_what_arrived(self) -> None:
        """After a failure: the jobs that are complete need not be asked for again."""
        for future in self._in_flight:
            future.cancel()
        arrived = [future for future in self._in_flight if future.done() and not future.cancelled()]
        self._in_flight.clear()
        self._buffer += [job for future in arrived if not future.exception() and (job := future.result())]
        self.store.write(self._take_buffer())

    def _still_there(self) -> bool:
        """Whether a job whose host summaries were "not found" is still listed: then that answer was wrong."""
        self.tally.vanished += len(self._vanished)
        return bool(self._vanished) and bool(self.controller.jobs_by_ids(sorted(self._vanished)[:_PAGE_SIZE]))

    def _may_be_pending(self, job: Document) -> bool:
        finished = finished_of(job)
        return finished is not None and not self._is_overdue(finished)

    def _is_overdue(self, finished: datetime) -> bool:
        return finished <= self.now - self.options.summaries_deadline

    def _tell_progress(self) -> None:
        self.tally.known = max(self.tally.seen - self.tally.stored - len(self._in_flight) - len(self._buffer), 0)
        self.progress(self.tally)


def _last_id(page: list[Document], previous: int) -> int:
    """The id from which the next page goes on. Raises CorruptBody where there is none, or it would not move on."""
    last = max(filter(None, map(id_of, page)), default=previous)
    if last <= previous:
        raise CorruptBody(
            f"The controller's list of jobs after id {previous} holds no higher id: it is not sorted as asked, or "
            "not a list of jobs. Check that no proxy in front of the controller rewrites its answers."
        )
    return last

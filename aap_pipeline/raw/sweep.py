"""The sweep: read every finished job of a window from a controller and store it, without losing any.

The rules, and why they hold, are in docs/architecture.md. No HTTP, SQL or Dagster here: `ControllerApi` answers,
`RawStore` keeps.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.errors import ControllerError, CorruptBody, IncompleteAnswer, NotFound, PermissionDenied
from aap_pipeline.controller.paging import PAGE_SIZE, Row, id_of, last_id
from aap_pipeline.documents.raw_documents import RawJob, finished_of
from aap_pipeline.raw.completion import ATTEMPTS, WHAT_NEXT, Completion
from aap_pipeline.raw.host_history import HostHistory, Paused
from aap_pipeline.raw.store import RawStore
from aap_pipeline.raw.tally import Tally
from aap_pipeline.raw.window import JOBS_A_SLICE, Plan, Window

_FIRST_PIECE = timedelta(hours=1)
_LEAST_PIECE = timedelta(seconds=1)
_GROWTH = 4


class Page(NamedTuple):
    """A page of the job list; `matching` jobs remain from its first one on.

    `pending`: jobs whose host summaries were not all written after the page was read; None: not queried yet.
    """

    jobs: Sequence[Row] = ()
    matching: int = 0
    pending: Collection[int] | None = None


@dataclass
class Sweep:
    """One pass over a window. `now` is the controller's time; `progress` is called as jobs are done.

    `pause` is called with the end of each slice, and returns whether to leave the rest of the window to another sweep.
    """

    controller: ControllerApi
    store: RawStore
    executor: Executor
    fingerprint: Callable[[Row], bytes]
    now: datetime
    slice_jobs: int = 700
    """A slice with more jobs is cut."""
    summaries_deadline: timedelta = timedelta(hours=2)
    """How long after their end jobs may wait for their host summaries."""
    in_flight: int = 64
    """Limit of jobs in memory, whose host summaries are being fetched or are not written yet."""
    progress: Callable[[Tally], None] = lambda _: None
    pause: Callable[[datetime], bool] = lambda _: False
    before_new: Callable[[Sequence[Row]], None] = lambda _: None
    """Called with the new or changed jobs of a page before they are stored."""
    few: bool = False
    """Whether the window holds few jobs, so that it is tried as one slice."""
    history: HostHistory | None = None
    """Host summaries read by host; None: all are read by job."""
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self._completion = Completion(self.controller, self.executor, self.in_flight, self._write)
        self._ahead: Future[tuple[Window, Page]] | None = None
        self._upcoming: Future[Page] | None = None
        self._eager = False
        self._still_awaited: set[int] = set()
        self._aim = min(JOBS_A_SLICE, 0.7 * self.slice_jobs)

    def run(
        self, plan: Plan, resume_after: datetime | None = None, meanwhile: Callable[[], None] = lambda: None
    ) -> Tally:
        """Read `plan`'s window, oldest slice first, from `resume_after` on if an earlier run has read up to there.

        `meanwhile` runs while the first page is fetched, before anything is stored.

        Raises a ControllerError if a request failed permanently or a result stayed incomplete. The jobs read until then
        are stored, and the watermark stays before the slice that failed.
        """
        with self._keeping_what_arrives():
            window = Window(max(plan.window.after, resume_after or plan.window.after), plan.window.until)
            self._eager = plan.first
            share = self._aim / self.tally.expected if self.tally.expected else 0.0
            begin = window if self.few else window.first(max(share * (window.until - window.after), _FIRST_PIECE))
            self._ahead = self.executor.submit(self._cut, begin)
            meanwhile()
            self._settle_awaited()
            while self._ahead is not None:
                piece, page = self._ahead.result()
                following = self._after(piece, page.matching, window)
                self._ahead = self.executor.submit(self._cut, following) if following else None
                self.tally.jobs_counted += page.matching
                known = self.tally.jobs_known
                try:
                    newest = self._read_slice(piece, page)
                except Paused:
                    self._completion.finish()
                    self._pause()
                    break
                # Workers go on with the next slice while the last host summaries of this one arrive.
                self._completion.then(partial(self._finish_slice, piece.until, newest))
                self._eager = page.matching > self.tally.jobs_known - known and self.history is None
                # Not after an empty slice: the next one is longer, but the next sweep would begin with a short one.
                if self._ahead is not None and page.matching and self.pause(piece.until):
                    self._pause()
            self._completion.wait()
        return self.tally

    def _pause(self) -> None:
        self.tally.paused = True
        if self._ahead is not None:
            self._ahead.cancel()
        self._ahead = None

    def _finish_slice(self, until: datetime, newest: datetime | None) -> None:
        jobs = self._completion.take()
        self.store.finish_slice(jobs, until, newest)
        self._count(jobs)
        self.tally.slices += 1
        self.tally.newest_finished = _latest(self.tally.newest_finished, newest)
        self.progress(self.tally)

    def _cut(self, piece: Window) -> tuple[Window, Page]:
        """Cut a slice from the beginning of `piece`, in a worker. Return it and its first page, which has the count."""
        limit = self.slice_jobs
        page = self._page(piece, 0)
        while page.matching > limit and piece.divisible:
            counted = page.matching
            while counted > limit and piece.divisible:
                piece = piece.part(self._aim / counted)
                # Counted for each piece: a difference of counts would be wrong if jobs finished or vanished meanwhile.
                counted = self.controller.jobs_count(piece.after, piece.until)
            page = self._page(piece, 0)
        return piece, page

    def _after(self, piece: Window, jobs: int, window: Window) -> Window | None:
        """Return the next slice to try, with a length by this one's number of jobs; None at the end of `window`."""
        if piece.until >= window.until:
            return None
        factor = min(_GROWTH, self._aim / jobs) if jobs else _GROWTH
        return Window(piece.until, window.until).first(max((piece.until - piece.after) * factor, _LEAST_PIECE))

    def reread(self, jobs: Sequence[Row], unreported: Collection[int] = ()) -> None:
        """Complete the listed `jobs` and store them.

        `unreported`: jobs whose last event the controller has not processed, so that host summaries may still be
        missing. They are awaited until their deadline.
        """
        for job in jobs:
            late = id_of(job) in unreported
            awaited = late and not self.is_overdue(finished_of(job))
            self._completion.add(job, self.fingerprint(job), awaited, late)
        self._completion.finish()

    def _read_slice(self, window: Window, page: Page) -> datetime | None:
        """Read all pages after `page`, until as many jobs arrived as it counted. Returns the newest finish time."""
        counted = page.matching
        if counted == 0:
            return None
        known_before = self.tally.jobs_known
        first: Page | None = page
        for _ in range(ATTEMPTS):
            self.tally.jobs_known = known_before
            try:
                seen, newest, short = self._read(window, first)
            except _NoPlaceToGoOn:
                if not window.divisible:
                    raise
                self.tally.jobs_known = known_before
                return self._read_halves(window)
            first = None
            # Jobs deleted meanwhile are not missing, so a new count decides where the first one was not reached.
            if not short and (seen >= counted or seen >= self.controller.jobs_count(window.after, window.until)):
                self.tally.jobs_seen += seen
                return newest
            self._completion.finish()  # so that the next attempt skips them
        raise IncompleteAnswer(
            f"The controller counts {counted} jobs that finished between {window.after.isoformat()} and "
            f"{window.until.isoformat()}, but {ATTEMPTS} times returned {seen}. {WHAT_NEXT}"
        )

    def _read_halves(self, window: Window) -> datetime | None:
        """Read a slice in halves if keyset paging is stuck, because a slice of one page needs no next id."""
        self._completion.finish()  # so that the halves skip them
        earlier = window.part(0.5)
        halves = earlier, Window(earlier.until, window.until)
        found = [self._read_slice(half, self._page(half, 0)) for half in halves]
        return _latest(*found)

    def _read(self, window: Window, first: Page | None) -> tuple[int, datetime | None, bool]:
        """Read a slice by keyset, and prefetch the next page while the host summaries of this one arrive.

        Returns how many jobs were listed, the newest finish time, and whether the list ended short of its count.
        """
        newest, reached, seen = None, 0, 0
        page = first or self._page(window, reached)
        while page.jobs:
            newest = _latest(newest, *map(finished_of, page.jobs))
            seen += len(page.jobs)
            # A short page is not necessarily the last: a controller may cap its pages at a smaller size.
            if len(page.jobs) < page.matching:
                reached = _next_after(page.jobs, reached)
                self._upcoming = self.executor.submit(self._page, window, reached)
            self._take_page(page, window)
            upcoming, self._upcoming = self._upcoming, None
            page = upcoming.result() if upcoming else Page()
        return seen, newest, page.matching > 0

    def _page(self, window: Window, after_id: int) -> Page:
        """Read a page and, while jobs are likely to be new, the pending jobs of it."""
        jobs, matching = self.controller.jobs_page(window.after, window.until, after_id, PAGE_SIZE)
        ids = list(filter(None, map(id_of, jobs)))
        return Page(jobs, matching, self._pending(window, ids) if self._eager else None)

    def _take_page(self, page: Page, window: Window) -> None:
        """Start fetching the host summaries of the new, changed and awaited jobs of a page."""
        listed = [(job, id_of(job), self.fingerprint(job)) for job in page.jobs]
        known = self.store.known({number: digest for _, number, digest in listed if number is not None})
        nameless = [digest for _, number, digest in listed if number is None]
        refused = self.store.without_id("job", nameless) if nameless else ()
        wanted = [
            (job, number or 0, digest)
            for job, number, digest in listed
            if (digest not in refused if number is None else self._is_wanted(number, known))
        ]
        # Query pending jobs after the jobs and before their host summaries: a job that is not pending then has all of
        # them, because the controller writes them before it clears the flag.
        pending = page.pending
        if pending is None:
            numbers = [number for _, number, _ in wanted if number]
            pending = self.history.unreported(numbers) if self.history else None
            pending = self._pending(window, numbers) if pending is None else pending
        self.tally.jobs_known += len(page.jobs) - len(wanted)
        if wanted:
            self.before_new([job for job, number, _ in wanted if number])
        awaited = {number for job, number, _ in wanted if number in pending and not self.is_overdue(finished_of(job))}
        final = {number: finished_of(job) for job, number, _ in wanted if number and number not in awaited}
        here = self.history.of(final, pending) if self.history else {}
        for job, number, digest in wanted:
            self._completion.add(job, digest, number in awaited, number in pending, here.get(number))
        self.progress(self.tally)

    def _is_wanted(self, number: int, known: Mapping[int, bool]) -> bool:
        """Return whether a listed job must be read: it is new, changed, or its awaited host summaries are written."""
        return known.get(number, True) and not (number in known and number in self._still_awaited)

    def _settle_awaited(self) -> None:
        """Read again the awaited jobs that now have host summaries or are past their deadline."""
        awaited = self.store.awaited()
        if not awaited:
            return
        window = Window(min(awaited.values()) - timedelta(microseconds=1), max(awaited.values()))
        pending = self._pending(window, awaited)
        overdue = {number for number, finished in awaited.items() if self.is_overdue(finished)}
        self._still_awaited = (awaited.keys() & pending) - overdue
        due = sorted(awaited.keys() - self._still_awaited)
        for start in range(0, len(due), PAGE_SIZE):
            asked = due[start : start + PAGE_SIZE]
            found = self.controller.jobs_by_ids(asked)
            self.reread(found, pending)
            missing = set(asked) - set(map(id_of, found))
            gone = {number for number in missing if is_gone(self.controller, number)}
            self.store.settle(gone)
            self.store.settle((missing - gone) & overdue, overdue=True)

    def _pending(self, window: Window, ids: Collection[int]) -> set[int]:
        if not ids:
            return set()
        return set(self.controller.pending_job_ids(window.after, window.until, min(ids) - 1, max(ids)))

    def _write(self, jobs: list[RawJob]) -> None:
        if jobs:
            self.store.write(jobs)
            self._count(jobs)
            self.progress(self.tally)

    def _count(self, jobs: Sequence[RawJob]) -> None:
        self.tally.vanished = self._completion.vanished
        self.tally.jobs_stored += len(jobs)
        self.tally.jobs_provisional += sum(job.provisional for job in jobs)
        self.tally.host_summaries += sum(job.host_summaries for job in jobs)

    @contextmanager
    def _keeping_what_arrives(self) -> Iterator[None]:
        """After a failure, store the complete jobs, so that the next sync skips them."""
        try:
            yield
        except ControllerError:
            for future in (self._upcoming, self._ahead):
                if future is not None:
                    future.cancel()
            self._write(self._completion.abandon())
            raise

    def is_overdue(self, finished: datetime | None) -> bool:
        """Return whether a job that finished then is past its deadline for host summaries."""
        return finished is None or finished <= self.now - self.summaries_deadline


def is_gone(controller: ControllerApi, job_id: int) -> bool:
    """Return whether an unlisted job was deleted; False: it is hidden from the token's user, or listed again."""
    try:
        controller.host_summaries(job_id)
    except NotFound:
        return True
    except PermissionDenied:
        pass
    return False


def _latest(*finished: datetime | None) -> datetime | None:
    return max(filter(None, finished), default=None)


class _NoPlaceToGoOn(CorruptBody):
    """A page that is not the last one has no id after which the next page could begin."""


def _next_after(page: Sequence[Row], previous: int) -> int:
    """Return the id after which the next page begins. Raises _NoPlaceToGoOn if it is not above `previous`."""
    last = last_id(page)
    if last <= previous:
        raise _NoPlaceToGoOn(
            f"The controller's list of jobs after id {previous} contains no higher id, so it is not sorted as "
            "requested or not a list of jobs. Check that no proxy in between changes the controller's responses."
        )
    return last

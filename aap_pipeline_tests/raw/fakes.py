"""A controller and a store in memory: what the sweep's own tests stand it between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from aap_pipeline.controller.errors import NotFound
from aap_pipeline.documents.raw_documents import RawJob

Document = dict[str, Any]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def job(number: int, finished: datetime = NOW - MINUTE, **changes: Any) -> Document:
    """A row of a job list."""
    return {"id": number, "finished": finished.isoformat(), "name": "job", "summary_fields": {}, **changes}


@dataclass
class FakeController:
    """Answers from `jobs`; `pending` have no host summaries yet. `log` is what was asked, in order."""

    jobs: dict[int, Document] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    hosts: int = 2
    page_size: int = 200
    log: list[tuple[Any, ...]] = field(default_factory=list)
    after: dict[str, Callable[[FakeController], object]] = field(default_factory=dict)
    """What happens at the controller right after the first request of a kind."""
    not_found: set[int] = field(default_factory=set)
    withheld: int = 0
    """How many of the next pages lack their last row, though it is counted."""
    left_out: set[int] = field(default_factory=set)
    """Jobs that are counted and in no page."""
    shown: dict[int, Any] = field(default_factory=dict)
    """What lists show in place of some jobs."""

    def __post_init__(self) -> None:
        self._lock = Lock()

    def add(self, *documents: Document) -> None:
        """Put jobs there."""
        self.jobs.update({document["id"]: document for document in documents})

    def _asked(self, kind: str, *what: Any) -> None:
        with self._lock:
            self.log.append((kind, *what))

    def _then(self, kind: str) -> None:
        happening = self.after.pop(kind, None)
        if happening is not None:
            happening(self)

    def _within(self, after: datetime, until: datetime) -> list[Document]:
        found = [row for row in self.jobs.values() if after < datetime.fromisoformat(row["finished"]) <= until]
        return sorted(found, key=lambda row: int(row["id"]))

    def jobs_count(self, finished_gt: datetime, finished_lte: datetime) -> int:
        self._asked("count", finished_gt, finished_lte)
        found = len(self._within(finished_gt, finished_lte))
        self._then("count")
        return found

    def jobs_page(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, limit: int
    ) -> tuple[list[Document], int]:
        self._asked("page", after_id)
        matching = [row for row in self._within(finished_gt, finished_lte) if row["id"] > after_id]
        rows = [row for row in matching[: min(limit, self.page_size)] if row["id"] not in self.left_out]
        if self.withheld and rows:
            self.withheld -= 1
            rows = rows[:-1]
        self._then("page")
        if len(rows) < len(matching) and any(row["id"] not in self.shown for row in rows):  # as `counted_page` does
            while rows[-1]["id"] in self.shown:
                rows = rows[:-1]
        return [self.shown.get(row["id"], row) for row in rows], len(matching)

    def jobs_by_ids(self, ids: Sequence[int], *, reported: bool | None = None) -> list[Document]:
        self._asked("by_ids", tuple(ids))
        return [row for number in sorted(ids) if (row := self.jobs.get(number))]

    def pending_job_ids(
        self, finished_gt: datetime, finished_lte: datetime, after_id: int, upto_id: int
    ) -> Sequence[int]:
        self._asked("pending", after_id, upto_id)
        within = {row["id"] for row in self._within(finished_gt, finished_lte)}
        found = sorted(number for number in self.pending & within if after_id < number <= upto_id)
        self._then("pending")
        return found

    def host_summaries(self, job_id: int) -> list[Document]:
        self._asked("host_summaries", job_id)
        try:
            if job_id in self.not_found or job_id not in self.jobs:
                raise NotFound(f"job {job_id} does not exist")
            return [] if job_id in self.pending else [{"id": job_id * 1000 + host} for host in range(self.hosts)]
        finally:
            self._then("host_summaries")

    def labels(self, job_id: int) -> list[Document]:
        self._asked("labels", job_id)
        return [{"id": number, "name": str(number)} for number in range(1, 16)]

    def asked(self, kind: str) -> list[tuple[Any, ...]]:
        """The requests of a kind."""
        return [entry[1:] for entry in self.log if entry[0] == kind]


@dataclass
class FakeStore:
    """Keeps rows as the real one does; every call is appended to `calls`."""

    rows: dict[int, RawJob] = field(default_factory=dict)
    fingerprints: dict[int, bytes] = field(default_factory=dict)
    waiting: dict[int, datetime] = field(default_factory=dict)
    watermark: datetime | None = None
    ends: list[datetime] = field(default_factory=list)
    """Of the slices, in their order."""
    settled: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    writes: list[int] = field(default_factory=list)
    nameless: list[RawJob] = field(default_factory=list)
    """Those without a valid id."""

    def known(self, fingerprints: Mapping[int, bytes]) -> Mapping[int, bool]:
        return {
            number: self.rows[number].provisional
            for number, digest in fingerprints.items()
            if number in self.rows and self.rows[number].fingerprint == digest
        }

    def without_id(self, kind: str, fingerprints: Collection[bytes]) -> Collection[bytes]:
        return set(fingerprints) & {row.fingerprint for row in self.nameless}

    def write(self, jobs: Sequence[RawJob]) -> None:
        self.writes.append(len(jobs))
        for row in jobs:
            number = row.external_id
            if number is None:
                self.nameless.append(row)
                continue
            self.rows[number] = row
            if row.provisional and row.finished:
                self.waiting[number] = row.finished
            else:
                self.waiting.pop(number, None)

    def finish_slice(self, jobs: Sequence[RawJob], until: datetime, newest: datetime | None) -> None:
        self.write(jobs)
        self.ends.append(until)
        if newest is not None:
            self.watermark = max(filter(None, (self.watermark, newest)))

    @property
    def done_to(self) -> datetime:
        """The end of the last slice."""
        return self.ends[-1]

    def awaited(self) -> Mapping[int, datetime]:
        return dict(self.waiting)

    def settle(self, ids: Collection[int], *, overdue: bool = False) -> None:
        noted = self.given_up if overdue else self.settled
        noted |= set(ids)
        for number in ids:
            self.waiting.pop(number, None)

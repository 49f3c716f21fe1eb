"""Completes the rows of a job list: host summaries and cut labels, fetched side by side, handed on in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Protocol

from aap_pipeline.controller.errors import NotFound
from aap_pipeline.controller.host_summaries import HostSummary
from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.documents.raw_documents import RawJob, labels_are_cut, raw_job, raw_job_without_id

_BATCH_BYTES = 1_000_000
_BATCH_JOBS = 500


class JobParts(Protocol):
    """What a job's list row lacks."""

    def host_summaries(self, job_id: int) -> Sequence[HostSummary | Row]:
        """All host summaries of a job."""

    def labels(self, job_id: int) -> list[Row]:
        """All labels of a job."""


class Completion:
    """Jobs under way to being complete: at most `in_flight` of them wait or are fetched at a time.

    Full batches go to `write`, in the order in which the jobs came; `wait` and `take` give the rest.
    """

    def __init__(
        self, parts: JobParts, executor: Executor, in_flight: int, write: Callable[[list[RawJob]], None]
    ) -> None:
        self._parts = parts
        self._executor = executor
        self._limit = in_flight
        self._write = write
        self._in_flight: deque[Future[RawJob | None]] = deque()
        self._batch: list[RawJob] = []
        self._batch_bytes = 0
        self._vanished: set[int] = set()

    def add(self, job: Row, fingerprint: bytes, *, provisional: bool, unreported: bool) -> None:
        """Fetch what `job` lacks; wait while too many are under way. Raises what made an earlier one fail."""
        self._in_flight.append(
            self._executor.submit(self._complete, job, fingerprint, provisional=provisional, unreported=unreported)
        )
        self._drain(self._limit)

    def wait(self) -> None:
        """Wait until nothing is under way."""
        self._drain(0)

    def take(self) -> list[RawJob]:
        """What has arrived and is not written yet."""
        jobs, self._batch, self._batch_bytes = self._batch, [], 0
        return jobs

    def abandon(self) -> list[RawJob]:
        """Ask for nothing more; what has arrived and is not written yet."""
        for future in self._in_flight:
            future.cancel()
        arrived = [future for future in self._in_flight if future.done() and not future.cancelled()]
        self._in_flight.clear()
        return self.take() + [job for future in arrived if not future.exception() and (job := future.result())]

    def forget_vanished(self) -> Sequence[int]:
        """Jobs that the controller did not find since the last call: deleted, or wrongly so."""
        vanished, self._vanished = sorted(self._vanished), set()
        return vanished

    def _complete(self, job: Row, fingerprint: bytes, *, provisional: bool, unreported: bool) -> RawJob | None:
        """In a worker: `job` with everything that its list row lacks; None if the controller deleted it meanwhile."""
        number = id_of(job)
        if number is None:
            return raw_job_without_id(job, fingerprint)
        try:
            labels = self._parts.labels(number) if labels_are_cut(job) else None
            host_summaries = self._parts.host_summaries(number)
        except NotFound:
            self._vanished.add(number)
            return None
        return raw_job(job, host_summaries, labels, fingerprint, provisional=provisional, unreported=unreported)

    def _drain(self, limit: int) -> None:
        while len(self._in_flight) > limit:
            job = self._in_flight.popleft().result()
            if job is None:
                continue
            self._batch.append(job)
            self._batch_bytes += len(job.document)
            if len(self._batch) >= _BATCH_JOBS or self._batch_bytes >= _BATCH_BYTES:
                self._write(self.take())

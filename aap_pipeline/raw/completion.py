"""Complete listed jobs with their host summaries and truncated labels, fetched concurrently, written in batches."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.errors import ControllerError, NotFound
from aap_pipeline.controller.host_summaries import HostSummaryRow
from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.documents.raw_documents import RawJob, labels_are_cut, raw_job, raw_job_without_id

Summaries = Sequence[HostSummaryRow | Row]
_BATCH_BYTES = 1_000_000
_BATCH_JOBS = 500


class Completion:
    """Completes jobs, at most `in_flight` at a time.

    Passes full batches to `write`, in the order of the jobs. `wait` and `take` return the rest.
    """

    def __init__(
        self, parts: ControllerApi, executor: Executor, in_flight: int, write: Callable[[list[RawJob]], None]
    ) -> None:
        self._parts = parts
        self._executor = executor
        self._limit = in_flight
        self._write = write
        self._in_flight: deque[Future[RawJob | None]] = deque()
        self._batch: list[RawJob] = []
        self._batch_bytes = 0
        self._vanished: set[int] = set()
        self._failed = False

    def add(
        self,
        job: Row,
        fingerprint: bytes,
        provisional: bool = False,
        unreported: bool = False,
        host_summaries: Summaries | None = None,
    ) -> None:
        """Complete `job` in a worker; wait while too many are in work. Raises the exception of an earlier failed one.

        `host_summaries`: all of them, where they are here already.
        """
        complete = self._executor.submit(self._complete, job, fingerprint, provisional, unreported, host_summaries)
        self._in_flight.append(complete)
        self.wait(self._limit)

    def finish(self) -> None:
        """Wait for all jobs, and write them."""
        self.wait()
        self._write(self.take())

    def take(self) -> list[RawJob]:
        """Return the complete jobs that are not written yet."""
        jobs, self._batch, self._batch_bytes = self._batch, [], 0
        return jobs

    def abandon(self) -> list[RawJob]:
        """Stop fetching, and return the complete jobs that are not written yet."""
        for future in self._in_flight:
            future.cancel()
        arrived = [future for future in self._in_flight if future.done() and not future.cancelled()]
        self._in_flight.clear()
        return self.take() + [job for future in arrived if not future.exception() and (job := future.result())]

    def forget_vanished(self) -> Sequence[int]:
        """Return, and forget, the jobs for which the controller returned 404 since the last call."""
        vanished, self._vanished = sorted(self._vanished), set()
        return vanished

    def _complete(
        self, job: Row, fingerprint: bytes, provisional: bool, unreported: bool, known: Summaries | None
    ) -> RawJob | None:
        """Complete `job` in a worker; None if the controller deleted it meanwhile, or an earlier one has failed."""
        if self._failed:  # leave a controller alone that is down
            return None
        number = id_of(job)
        if number is None:
            return raw_job_without_id(job, fingerprint)
        try:
            labels = self._parts.labels(number) if labels_are_cut(job) else None
            host_summaries = self._parts.host_summaries(number) if known is None else known
        except NotFound:
            self._vanished.add(number)
            return None
        except ControllerError:
            self._failed = True
            raise
        return raw_job(job, host_summaries, labels, fingerprint, provisional=provisional, unreported=unreported)

    def wait(self, limit: int = 0) -> None:
        """Wait until at most `limit` jobs are in work."""
        while len(self._in_flight) > limit:
            job = self._in_flight.popleft().result()
            if job is None:
                continue
            self._batch.append(job)
            self._batch_bytes += len(job.document)
            if len(self._batch) >= _BATCH_JOBS or self._batch_bytes >= _BATCH_BYTES:
                self._write(self.take())

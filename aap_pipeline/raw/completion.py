"""Complete listed jobs with their host summaries and truncated labels, fetched concurrently, written in batches."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial

from aap_pipeline.controller.api import ControllerApi
from aap_pipeline.controller.errors import ControllerError, IncompleteAnswer, NotFound
from aap_pipeline.controller.host_summaries import HostSummaryRow
from aap_pipeline.controller.paging import Row, id_of
from aap_pipeline.documents.raw_documents import RawJob, labels_are_cut, raw_job, raw_job_without_id

Summaries = Sequence[HostSummaryRow | Row]
_BATCH_BYTES = 1_000_000
_BATCH_JOBS = 500
ATTEMPTS = 3
WHAT_NEXT = (
    "The next sync reads this window again. If the error persists, check the controller's logs and the proxies in "
    "between."
)


class Completion:
    """Completes jobs, at most `in_flight` at a time.

    Passes full batches to `write`, in the order of the jobs. `take` returns the rest.
    """

    def __init__(
        self, parts: ControllerApi, executor: Executor, in_flight: int, write: Callable[[list[RawJob]], None]
    ) -> None:
        self._parts = parts
        self._executor = executor
        self._limit = in_flight
        self._write = write
        self._in_flight: deque[Future[RawJob | None] | Callable[[], None]] = deque()
        self._batch: list[RawJob] = []
        self._batch_bytes = 0
        self._failure: ControllerError | None = None
        self.vanished = 0
        """Jobs that the controller deleted after it had listed them."""

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
        complete = partial(self._complete, job, fingerprint, provisional, unreported, host_summaries)
        self._in_flight.append(self._executor.submit(self._unless_failed, complete))
        self.wait(self._limit)

    def then(self, call: Callable[[], None]) -> None:
        """Call `call` when all jobs added until now are complete, before later ones are."""
        self._in_flight.append(call)

    def finish(self) -> None:
        """Wait for all jobs, and write them."""
        self.wait()
        self._write(self.take())

    def take(self) -> list[RawJob]:
        """Return the complete jobs that are not written yet."""
        jobs, self._batch, self._batch_bytes = self._batch, [], 0
        return jobs

    def abandon(self) -> list[RawJob]:
        """After a failed request, complete what is left as far as that succeeds, and return the jobs to write."""
        if self._failure is None:
            with suppress(ControllerError):
                self.wait()
        left = [each for each in self._in_flight if isinstance(each, Future) and not each.cancel()]
        self._in_flight.clear()
        return self.take() + [job for each in left if each.done() and not each.exception() and (job := each.result())]

    def _unless_failed(self, complete: Callable[[], RawJob | None]) -> RawJob | None:
        """Call `complete`, in a worker. Raises the first failure again, to leave a controller alone that is down."""
        if self._failure is not None:
            raise self._failure
        try:
            return complete()
        except ControllerError as error:
            self._failure = error
            raise

    def _complete(
        self, job: Row, fingerprint: bytes, provisional: bool, unreported: bool, known: Summaries | None
    ) -> RawJob | None:
        """Complete `job`; None if the controller deleted it meanwhile."""
        number = id_of(job)
        if number is None:
            return raw_job_without_id(job, fingerprint)
        for _ in range(ATTEMPTS):
            try:
                labels = self._parts.labels(number) if labels_are_cut(job) else None
                rows = self._parts.host_summaries(number) if known is None else known
            except NotFound:
                if not self._parts.jobs_by_ids([number]):
                    return None
            else:
                return raw_job(job, rows, labels, fingerprint, provisional=provisional, unreported=unreported)
        raise IncompleteAnswer(
            f"The controller lists job {number}, but {ATTEMPTS} times returned HTTP 404 for its host summaries. "
            f"{WHAT_NEXT}"
        )

    def wait(self, limit: int = 0) -> None:
        """Wait until at most `limit` jobs are in work."""
        while len(self._in_flight) > limit:
            each = self._in_flight.popleft()
            if not isinstance(each, Future):
                each()
            elif (job := each.result()) is None:
                self.vanished += 1
            else:
                self._batch.append(job)
                self._batch_bytes += len(job.document)
                if len(self._batch) >= _BATCH_JOBS or self._batch_bytes >= _BATCH_BYTES:
                    self._write(self.take())

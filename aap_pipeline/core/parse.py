"""Stage core: parse the raw rows of one cluster, in order of arrival, in batches.

While the server writes one batch, a second connection streams and decodes the next.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import psycopg

from aap_pipeline.core.batch import Rules, Stored, create_incoming_job, store_batch
from aap_pipeline.core.dimensions import NewTemplateMinutes
from aap_pipeline.core.source import Bounds, Document, Selection, Source, read_batches
from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.documents.records import Refused
from aap_pipeline.errors import PipelineError

BATCH_SIZE: Final = 2_000
BATCH_BYTES: Final = 32 * 2**20
_MAX_ATTEMPTS: Final = 200
_CONFLICTS: Final = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.ForeignKeyViolation,
)
_CONFLICT_ATTEMPTS: Final = 5
_REFUSALS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.CardinalityViolation,  # two names with one digest in a batch: a deliberate collision
)


class ParseError(PipelineError):
    """A cluster's raw rows could not be stored. They stay in the raw table."""


@dataclass(slots=True)
class ParseResult:
    """The result of a parse: documents taken and rejected, rows stored, batches committed, days, seconds."""

    documents: int = 0
    jobs: int = 0
    host_summaries: int = 0
    rejected: int = 0
    batches: int = 0
    changed_days: set[date] = field(default_factory=set)
    seconds: float = 0.0

    def add(self, stored: Stored) -> None:
        """Add one batch."""
        self.documents += stored.documents
        self.jobs += stored.jobs
        self.host_summaries += stored.host_summaries
        self.rejected += stored.rejected
        self.batches += 1
        self.changed_days |= stored.days

    def merge(self, other: ParseResult) -> None:
        """Add another parse."""
        self.documents += other.documents
        self.jobs += other.jobs
        self.host_summaries += other.host_summaries
        self.rejected += other.rejected
        self.batches += other.batches
        self.changed_days |= other.changed_days
        self.seconds += other.seconds


Progress = Callable[[ParseResult], None]


def parse(
    url: str,
    cluster_id: int,
    *,
    batch_size: int = BATCH_SIZE,
    batch_bytes: int = BATCH_BYTES,
    progress: Progress | None = None,
) -> ParseResult:
    """Store every unparsed raw row of the cluster, oldest first, and delete it from the raw table.

    Each batch, of at most `batch_size` rows and about `batch_bytes` bytes of JSON, is one transaction, after which
    `progress` gets the result so far. Several processes may run at once, and any may be killed at any time. Raises
    ParseError if the server rejects more documents than one or two bad ones would explain.
    """
    return run(url, Selection(Source.RAW, cluster_id), Bounds(batch_size, batch_bytes), progress)


def run(url: str, selection: Selection, bounds: Bounds, progress: Progress | None = None) -> ParseResult:
    """Store the documents of `selection`, for `parse`, `rejected replay` and `rebuild`."""
    started = time.monotonic()
    result = ParseResult()
    with connect(url, autocommit=True, application_name="aap_pipeline core") as connection:
        rules = _rules(connection)
        create_incoming_job(connection)
        with _prefetched(url, selection, bounds) as batches:
            for documents in batches:
                for stored in _store(connection, selection, documents, rules):
                    result.add(stored)
                    result.seconds = time.monotonic() - started
                    if progress is not None:
                        progress(result)
    result.seconds = time.monotonic() - started
    return result


def _rules(connection: Connection) -> Rules:
    return Rules(
        NewTemplateMinutes(
            options.get(connection, options.DEFAULT_MANUAL_MINUTES),
            options.get(connection, options.DEFAULT_CREATION_MINUTES),
        ),
        options.get(connection, options.RAW_RETENTION_DAYS) > 0,
    )


def _store(
    connection: Connection, selection: Selection, documents: Sequence[Document], rules: Rules
) -> Iterator[Stored]:
    """Store a batch in one transaction. If the server rejects it, store its halves, in order, down to single documents,
    and quarantine those that it rejects. `records.decode` should make this unnecessary."""
    waiting, attempts = [documents], 0
    while waiting:
        part = waiting.pop()
        attempts += 1
        try:
            yield _store_despite_others(connection, selection, part, rules)
        except _REFUSALS as error:
            if attempts >= _MAX_ATTEMPTS:
                raise ParseError(
                    f"PostgreSQL rejected {attempts} parts of one batch of cluster {selection.cluster_id}. Last error: "
                    f"{error.diag.message_primary or error}. The raw rows are kept. Remove your own constraints and "
                    "triggers from the clusters_ tables, then run `aap-pipeline sync`."
                ) from error
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            elif isinstance(part[0].content, Refused):
                raise
            else:
                reason = f"PostgreSQL refused the document: {error.diag.message_primary or error}."
                part[0].content = Refused("refused_by_database", reason)
                waiting.append(part)


def _store_despite_others(
    connection: Connection, selection: Selection, documents: Sequence[Document], rules: Rules
) -> Stored:
    """Store a batch, and retry if it conflicts with a concurrent change (a deadlock, a deleted host)."""
    for _ in range(_CONFLICT_ATTEMPTS - 1):
        try:
            return store_batch(connection, selection, documents, rules)
        except _CONFLICTS:
            continue
    return store_batch(connection, selection, documents, rules)


@contextmanager
def _prefetched(url: str, selection: Selection, bounds: Bounds) -> Iterator[Iterator[list[Document]]]:
    """Yield the batches of documents. A thread with its own connection reads one batch ahead."""
    ready: queue.Queue[list[Document] | BaseException | None] = queue.Queue(maxsize=1)
    stop = threading.Event()

    def hand_over(item: list[Document] | BaseException | None) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                break
            except queue.Full:
                continue

    def read() -> None:
        try:
            with connect(url, application_name="aap_pipeline core reader") as connection:
                for documents in read_batches(connection, selection, bounds):
                    hand_over(documents)
                    if stop.is_set():
                        return
            hand_over(None)
        except BaseException as error:  # noqa: BLE001 - `take` raises it
            hand_over(error)

    def take() -> Iterator[list[Document]]:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=read, name="core-reader", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        stop.set()
        thread.join()

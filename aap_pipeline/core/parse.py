"""Stage core: parse the raw rows of one cluster, in order of arrival, in batches.

Fields are decoded in `documents/records.py`, and stored in `batch.py`. While the server writes one batch, a second
connection streams and decodes the next.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

import psycopg

from aap_pipeline.core.batch import ParseResult, create_incoming_job, store_batch
from aap_pipeline.core.source import Document, Selection, Source, read_batches
from aap_pipeline.database import application_settings
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.documents.records import Refused
from aap_pipeline.errors import PipelineError

BATCH_SIZE: Final = 2_000
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


Progress = Callable[[ParseResult], None]


def parse(url: str, cluster_id: int, *, batch_size: int = BATCH_SIZE, progress: Progress | None = None) -> ParseResult:
    """Store every unparsed raw row of the cluster, oldest first, and delete it from the raw table.

    Each batch, of at most `batch_size` rows, is one transaction, after which
    `progress` gets the result so far. Several processes may run at once, and any may be killed at any time. Raises
    PipelineError if the server rejects more documents than one or two bad ones would explain.
    """
    return run(url, Selection(Source.RAW, cluster_id), progress, batch_size)


def run(url: str, selection: Selection, progress: Progress | None = None, batch_size: int = BATCH_SIZE) -> ParseResult:
    """Store the documents of `selection`, for `parse`, `rejected replay` and `rebuild`."""
    started = time.monotonic()
    result = ParseResult()
    with connect(url, autocommit=True, application_name="aap_pipeline core") as connection:
        settings = application_settings.read(connection)
        create_incoming_job(connection)
        with closing(_read_ahead(url, selection, batch_size)) as batches:
            for stored in (part for batch in batches for part in _store(connection, selection, batch, settings)):
                result.merge(stored)
                result.seconds = time.monotonic() - started
                if progress is not None:
                    progress(result)
    result.seconds = time.monotonic() - started
    return result


def _store(
    connection: Connection, selection: Selection, documents: Sequence[Document], settings: ApplicationSettings
) -> Iterator[ParseResult]:
    """Store a batch in one transaction. If the server rejects it, store its halves, in order, down to single documents,
    and quarantine those that it rejects. `records.decode` should make this unnecessary."""
    waiting, attempts = [documents], 0
    while waiting:
        part = waiting.pop()
        attempts += 1
        try:
            yield _store_despite_others(connection, selection, part, settings)
        except _REFUSALS as error:
            if attempts >= _MAX_ATTEMPTS:
                raise PipelineError(
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
    connection: Connection, selection: Selection, documents: Sequence[Document], settings: ApplicationSettings
) -> ParseResult:
    """Store a batch, and retry if it conflicts with a concurrent change (a deadlock, a deleted host)."""
    for _ in range(_CONFLICT_ATTEMPTS - 1):
        try:
            return store_batch(connection, selection, documents, settings)
        except _CONFLICTS:
            continue
    return store_batch(connection, selection, documents, settings)


def _read_ahead(url: str, selection: Selection, batch_size: int) -> Generator[list[Document], None, None]:
    """Yield the batches of documents. A thread with its own connection reads one batch ahead."""
    with (
        connect(url, application_name="aap_pipeline core reader") as connection,
        closing(read_batches(connection, selection, batch_size)) as batches,
        ThreadPoolExecutor(1, thread_name_prefix="core-reader") as reader,
    ):
        coming = reader.submit(next, batches, None)
        while documents := coming.result():
            coming = reader.submit(next, batches, None)
            yield documents

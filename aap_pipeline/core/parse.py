"""Stage core: parse the raw rows of one cluster, or its archive again, in order of arrival, in batches.

Fields are decoded in `documents/records.py`, and stored in `batch.py`. A second connection streams the documents.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final

import psycopg

from aap_pipeline.core.batch import ParseResult, create_incoming_job, store_batch
from aap_pipeline.core.source import Document, Selection, Source, read_batches
from aap_pipeline.database import application_settings
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.records import Refused
from aap_pipeline.errors import PipelineError

BATCH_SIZE: Final = 2_000
_MAX_REFUSALS: Final = 200
_CONFLICTS: Final = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.ForeignKeyViolation,
)
_MAX_CONFLICTS: Final = 20
_REFUSALS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.CardinalityViolation,  # two names with one digest in a batch: a deliberate collision
)

Progress = Callable[[ParseResult], None]


def parse(
    url: str,
    cluster_id: int,
    source: Source = Source.RAW,
    *,
    only: list[int] | None = None,
    after: int = 0,
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
) -> ParseResult:
    """Store the cluster's documents in `source`, oldest first: all, `only` these ids, or those `after` an id.

    Takes them from the raw table or quarantine. Each batch, of at most `batch_size` rows, is one transaction, after
    which `progress` gets the result so far. Several processes may run at once, and any may be killed at any time.
    Raises PipelineError if the server rejects more documents than one or two bad ones would explain.
    """
    selection = Selection(source, cluster_id, only, after)
    started = time.monotonic()
    result = ParseResult()
    with (
        connect(url, application_name="aap_pipeline core reader") as reader,
        connect(url, autocommit=True, application_name="aap_pipeline core") as connection,
        closing(read_batches(reader, selection, batch_size)) as batches,
    ):
        settings = application_settings.read(connection)
        create_incoming_job(connection)
        for stored in (part for batch in batches for part in _store(connection, selection, batch, settings)):
            result.merge(stored)
            result.seconds = time.monotonic() - started
            if progress is not None:
                progress(result)
    return result


def rebuild(
    url: str, cluster_id: int, progress: Progress | None = None, *, batch_size: int = BATCH_SIZE
) -> ParseResult:
    """Store every archived document of the cluster again, oldest first.

    Rows in the archive get the content of their newest document, even if they were damaged or deleted. Ids, minutes of
    templates and rows older than the archive stay. Concurrent syncs are safe: documents that arrive meanwhile are
    stored again at the end. Raises PipelineError.
    """
    total = ParseResult()
    with connect(url, autocommit=True) as connection:
        where = {"cluster_id": cluster_id, "after": 0}
        while (newest := connection.execute(statement("core/newest_archived"), where).fetchall()[0][0]) is not None:
            total.merge(
                parse(url, cluster_id, Source.ARCHIVE, after=where["after"], batch_size=batch_size, progress=progress)
            )
            where["after"] = newest
    if not where["after"]:
        raise PipelineError(
            "The archive has no documents of this cluster. To read its jobs from the controller again, run "
            "`aap-pipeline sync --cluster NAME --since DAY`; to archive documents from now on, run `aap-pipeline "
            "settings set raw_retention_days 30`."
        )
    return total


def _store(
    connection: Connection, selection: Selection, documents: Sequence[Document], settings: ApplicationSettings
) -> Iterator[ParseResult]:
    """Store a batch in one transaction. Retry if it conflicts with a concurrent change (a deadlock, a deleted host).

    If the server rejects it, store its halves, in order, down to single documents, and quarantine those that it
    rejects. `records.decode` should make this unnecessary.
    """
    waiting, conflicts, refusals = [documents], 0, 0
    while waiting:
        part = waiting.pop()
        try:
            yield store_batch(connection, selection, part, settings)
        except (*_CONFLICTS, *_REFUSALS) as error:
            if isinstance(error, _CONFLICTS) and conflicts < _MAX_CONFLICTS:
                conflicts += 1
                waiting.append(part)
                continue
            refusals += 1
            if not isinstance(error, _REFUSALS):
                raise
            if refusals >= _MAX_REFUSALS:
                raise PipelineError(
                    f"PostgreSQL rejected {refusals} parts of one batch of cluster {selection.cluster_id}. Last error: "
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

"""The sources of core's documents (raw table, quarantine, archive), streamed in order by binary COPY."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from aap_pipeline.database.connection import Connection
from aap_pipeline.database.statements import statement
from aap_pipeline.documents.fingerprint import fingerprint
from aap_pipeline.documents.job_rows import JobRow, job_row
from aap_pipeline.documents.records import (
    GoneTemplates,
    Job,
    JobTemplate,
    Organization,
    Refused,
    SettledJobs,
    decode,
)

_BATCH_BYTES: Final = 32 * 2**20
_ROWS_PER_STREAM: Final = 20_000
"""Longest duration of a stream, whose snapshot keeps vacuum from removing deleted rows."""
_TYPES: Final = ("int8", "text", "int8", "bytea", "bool", "timestamptz", "bool", "bytea")

Content = JobRow | Organization | JobTemplate | GoneTemplates | SettledJobs | Refused


class Source(Enum):
    """A source of documents, with the statements that stream them and that take a batch, quarantining the rejected."""

    RAW = ("core/read_raw", "core/claim_raw")
    REJECTED = ("core/read_rejected", "core/claim_rejected")
    ARCHIVE = ("core/read_archive", "core/claim_archive")


@dataclass(slots=True)
class Selection:
    """The documents of one cluster in one source with ids above `after`, or `only` these ids (None: all)."""

    source: Source
    cluster_id: int
    only: list[int] | None = None
    after: int = 0


@dataclass(slots=True)
class Document:
    """A decoded document: `content` is what core stores, or why it is rejected."""

    id: int
    kind: str
    external_id: int | None
    fingerprint: bytes
    received_at: datetime
    """When it arrived; for a quarantined one, when it was last rejected."""
    replayed: bool
    size: int
    content: Content


def read_batches(connection: Connection, selection: Selection, rows: int) -> Generator[list[Document], None, None]:
    """Yield the documents of `selection`, oldest first, in batches of at most `rows` rows and about 32 MiB of JSON.

    Replayed documents have batches of their own, because their names do not replace stored ones.
    """
    after, batch, size = selection.after, list[Document](), 0
    while True:
        streamed = 0
        for document in _stream(connection, selection, after):
            streamed += 1
            after = document.id
            full = len(batch) >= rows or size > _BATCH_BYTES
            if batch and (full or batch[-1].replayed != document.replayed):
                yield batch
                batch, size = [], 0
            batch.append(document)
            size += document.size
        if streamed < _ROWS_PER_STREAM:
            break
    if batch:
        yield batch


def _stream(connection: Connection, selection: Selection, after: int) -> Iterator[Document]:
    values = {"cluster_id": selection.cluster_id, "after": after, "only": selection.only, "limit": _ROWS_PER_STREAM}
    with connection.cursor() as cursor, cursor.copy(statement(selection.source.value[0]), values) as copy:
        copy.set_types(_TYPES)
        for identity, kind, external_id, stored, provisional, received_at, replayed, data in copy.rows():
            digest = fingerprint(data, kind) if stored is None else stored
            content = _content(kind, data, provisional, digest)
            yield Document(identity, kind, external_id, digest, received_at, replayed, len(data), content)
    connection.commit()


def _content(kind: str, data: bytes, provisional: bool, digest: bytes) -> Content:
    try:
        record = decode(kind, data)
        return job_row(record, provisional=provisional, fingerprint=digest) if isinstance(record, Job) else record
    except Refused as refused:
        return refused.with_traceback(None)

"""Store one batch of documents in one transaction, by a fixed number of statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, LiteralString, Self

from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed

from aap_pipeline.core.dimensions import Ids, collect, store
from aap_pipeline.core.source import Document, Selection, Source
from aap_pipeline.database import application_settings
from aap_pipeline.database.application_settings import ApplicationSettings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, advisory_xact_lock
from aap_pipeline.database.statements import listed, statement
from aap_pipeline.documents.job_rows import DIMENSIONS, JOB_COLUMNS, REFERENCE_COLUMNS, SUMMARY_COLUMNS, JobRow
from aap_pipeline.documents.records import Refused, SettledJobs

_INCOMING: Final = {**JOB_COLUMNS, **dict.fromkeys(REFERENCE_COLUMNS, "int4"), "launcher_named": "bool"}
"""Columns of core_incoming_job with their types."""
_OF_A_SUMMARY: Final = {"job_id": "int4", "host_id": "int4", **SUMMARY_COLUMNS}


@dataclass(slots=True)
class ParseResult:
    """The result of a batch or a whole parse. `documents` includes the rejected ones; `seconds` is wall-clock time."""

    documents: int = 0
    jobs: int = 0
    host_summaries: int = 0
    rejected: int = 0
    batches: int = 0
    changed_days: set[date] = field(default_factory=set)
    seconds: float = 0.0

    def merge(self, other: Self) -> None:
        self.documents += other.documents
        self.jobs += other.jobs
        self.host_summaries += other.host_summaries
        self.rejected += other.rejected
        self.batches += other.batches
        self.changed_days |= other.changed_days
        self.seconds += other.seconds


def store_batch(
    connection: Connection, selection: Selection, documents: Sequence[Document], settings: ApplicationSettings
) -> ParseResult:
    """Store `documents`, oldest first, in one transaction that waits for other batches of the same cluster.

    Skips documents that another parse took meanwhile. Raises psycopg's DataError or IntegrityError and stores nothing
    if the server rejects a value that `records.decode` accepted, or if a referenced row was deleted.
    """
    cluster_id = selection.cluster_id
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        advisory_xact_lock(connection, LockKind.PARSE, cluster_id)
        # The reporting time zone must not change between computing the changed days and the commit.
        cursor.execute(statement("core/hold_time_zone"))
        timezone = application_settings.read(connection).reporting_timezone
        taken = _claim(cursor, selection, documents, keep=settings.raw_retention_days > 0)
        present = [each for each in documents if each.id in taken and not isinstance(each.content, Refused)]
        newest = _newest_jobs(present)
        jobs = [newest[external_id] for external_id in sorted(newest)]
        ids = store(cursor, cluster_id, collect(present), settings)
        days = _store_jobs(cursor, cluster_id, jobs, ids, timezone)
        days |= _days(cursor, statement("core/leave_archive"), cluster_id, list(newest), timezone)
        days |= _settle_jobs(cursor, cluster_id, present, timezone)
        if selection.source is Source.RAW:  # quarantine may hold later documents than the other sources
            _forget_rejected(cursor, cluster_id, [each for each in documents if each.id in taken])
        cursor.execute(statement("core/note_changed_days"), {"cluster_id": cluster_id, "days": sorted(days)})
    refused = sum(each.id in taken and isinstance(each.content, Refused) for each in documents)
    return ParseResult(len(taken), len(jobs), sum(len(job.summaries) for job in jobs), refused, 1, days)


def _newest_jobs(documents: Iterable[Document]) -> dict[int, JobRow]:
    """Return the last document of each job, by external id, with references that only earlier documents have."""
    newest: dict[int, JobRow] = {}
    for each in documents:
        if isinstance(job := each.content, JobRow):
            if (earlier := newest.get(job.external_id)) is not None:
                job.keep_from(earlier)
            newest[job.external_id] = job
    return newest


def _claim(cursor: Cursor[TupleRow], selection: Selection, documents: Sequence[Document], *, keep: bool) -> set[int]:
    """Take the documents from their source and quarantine the rejected ones. Returns the ids that were still there."""
    newest: dict[tuple[str, int | None], int] = {
        (each.kind, each.external_id): each.id for each in documents if each.external_id is not None
    }
    refused = [(each, each.content) for each in documents if isinstance(each.content, Refused)]
    parameters: dict[str, object] = {
        "cluster_id": selection.cluster_id,
        "ids": [each.id for each in documents],
        "refused_ids": [each.id for each, _ in refused],
        "refused_external_ids": [each.external_id for each, _ in refused],
        "reasons": [why.reason for _, why in refused],
        "messages": [str(why) for _, why in refused],
        "superseded": [newest.get((each.kind, each.external_id), each.id) != each.id for each, _ in refused],
        "moments": [each.received_at for each in documents],
        "archive": keep,
    }
    cursor.execute(statement(selection.source.value[1]), parameters)
    return {row[0] for row in cursor}


def create_incoming_job(connection: Connection) -> None:
    """Create the temporary table of a batch's jobs, which each commit empties."""
    connection.execute(with_job_columns(statement("core/create_incoming_job")))


def with_job_columns(text: LiteralString) -> Composed:
    """Return a statement about jobs, with the columns of `documents.job_rows` inserted."""
    columns = [name for name in JOB_COLUMNS if name != "external_id"]
    return SQL(text).format(
        columns=listed(columns), incoming=listed(columns, "i"), excluded=listed(columns, "excluded")
    )


def _store_jobs(
    cursor: Cursor[TupleRow], cluster_id: int, jobs: Sequence[JobRow], ids: Ids, timezone: str
) -> set[date]:
    """Store jobs with their labels and host summaries. Returns the days of their old and new finish times."""
    where = {"cluster_id": cluster_id, "timezone": timezone}
    cursor.execute(statement("core/known_jobs"), {**where, "external_ids": [job.external_id for job in jobs]})
    known: dict[int, date | None] = dict(cursor.fetchall())
    with cursor.copy(SQL(statement("core/copy_incoming_job")).format(columns=listed(_INCOMING))) as copy:
        copy.set_types(list(_INCOMING.values()))
        for job in jobs:
            copy.write_row((*job.values, *_references(job, ids)))
    cursor.execute(with_job_columns(statement("core/store_jobs")), where)
    stored = {external_id: (job_id, day) for external_id, job_id, day in cursor}
    cursor.execute(statement("core/delete_host_summaries"), {"job_ids": list(known)})
    with cursor.copy(SQL(statement("core/copy_host_summaries")).format(columns=listed(_OF_A_SUMMARY))) as copy:
        copy.set_types(list(_OF_A_SUMMARY.values()))
        for job in jobs:
            job_id = stored[job.external_id][0]
            for host, values in job.summaries:
                copy.write_row((job_id, ids["host"][host], *values))
    labels = [(stored[job.external_id][0], ids["label"][label]) for job in jobs for label in job.labels]
    cursor.execute(
        statement("core/replace_labels"),
        {
            "job_ids": [job_id for job_id, _ in labels],
            "label_ids": [label_id for _, label_id in labels],
            "known_job_ids": list(known),
        },
    )
    return {day for day in (*known.values(), *(day for _, day in stored.values())) if day is not None}


def _days(cursor: Cursor[TupleRow], query: LiteralString, cluster_id: int, ids: list[int], timezone: str) -> set[date]:
    """Run a statement about the jobs with these external ids, and return the days that it changed."""
    cursor.execute(query, {"cluster_id": cluster_id, "external_ids": ids, "timezone": timezone})
    return {day for (day,) in cursor if day is not None}


def _settle_jobs(cursor: Cursor[TupleRow], cluster_id: int, present: Sequence[Document], timezone: str) -> set[date]:
    settled: set[int] = set()
    for each in present:
        if isinstance(each.content, SettledJobs):
            settled.update(each.content.ids)
        elif isinstance(each.content, JobRow):  # read after it was settled, so its own document decides
            settled.discard(each.content.external_id)
    return _days(cursor, statement("core/settle_jobs"), cluster_id, sorted(settled), timezone)


def _references(job: JobRow, ids: Ids) -> tuple[int | bool | None, ...]:
    return (
        *(
            None if reference is None or reference.id is None else ids[name][reference.id]
            for name, reference in zip(DIMENSIONS, job.references, strict=True)
        ),
        None if job.launcher is None else ids["launcher"][job.launcher],
        job.launcher_named,
    )


def _forget_rejected(cursor: Cursor[TupleRow], cluster_id: int, taken: Sequence[Document]) -> None:
    newest = {(each.kind, each.external_id): each for each in taken if each.external_id is not None}
    known = [each for each in newest.values() if not isinstance(each.content, Refused)]
    cursor.execute(
        statement("core/forget_rejected"),
        {
            "cluster_id": cluster_id,
            "kinds": [each.kind for each in known],
            "external_ids": [each.external_id for each in known],
            "raw_ids": [each.id for each in known],
        },
    )

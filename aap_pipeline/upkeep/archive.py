"""Move old jobs into the archive tables, and back. The marts read both, so no figure changes."""

from collections.abc import Callable
from typing import Final, LiteralString

from psycopg.sql import SQL, Composed

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.database import application_settings
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, advisory_xact_lock
from aap_pipeline.database.statements import listed, statement
from aap_pipeline.documents.job_rows import JOB_COLUMNS, REFERENCE_COLUMNS, SUMMARY_COLUMNS

_KEPT: Final = ("id", "internal_created", "internal_modified")
_COLUMNS: Final = {
    "job": listed((*_KEPT, "cluster_id", *JOB_COLUMNS, *REFERENCE_COLUMNS)),
    "label": listed((*_KEPT, "job_id", "label_id")),
    "summary": listed((*_KEPT, "job_id", "host_id", *SUMMARY_COLUMNS)),
}


def archive(
    connection: Connection, *, batch_jobs: int = 500, progress: Callable[[int], None] = lambda _: None
) -> dict[str, int]:
    """Move jobs older than archive_after_days into the archive, and younger ones (for 0: all) back; return the numbers.

    Each batch is one transaction, so an interrupted pass can be repeated. A lock serializes batches with core's
    batches of the same cluster and delays each for a fraction of a second. `progress` gets the number of jobs moved so
    far.
    """
    days = application_settings.read(connection).archive_after_days
    archived = restored = 0
    for cluster in clusters(connection):
        connection.commit()
        values = {"cluster": cluster.id, "days": days, "jobs": batch_jobs}
        if days:
            archived += _move(connection, "upkeep/archive_jobs", values, progress)
        restored += _move(connection, "upkeep/restore_jobs", values, progress)
    connection.commit()
    return {"archived_jobs": archived, "restored_jobs": restored}


def moving(name: LiteralString) -> Composed:
    """Return the statement `name` (`upkeep/archive_jobs` or `upkeep/restore_jobs`) with the columns of the tables."""
    return SQL(statement(name)).format(**_COLUMNS)


def _move(connection: Connection, name: LiteralString, values: dict[str, int], progress: Callable[[int], None]) -> int:
    total = 0
    while True:
        with connection.transaction():
            advisory_xact_lock(connection, LockKind.PARSE, values["cluster"])
            [(jobs, *_)] = connection.execute(moving(name), values).fetchall()
        total += int(jobs)
        if jobs < values["jobs"]:
            return total
        progress(total)

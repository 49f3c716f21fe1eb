"""Moves old jobs into the archive tables, and back. The marts read both places, so no figure changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg.sql import SQL, Composed

from aap_pipeline.clusters.registry import clusters
from aap_pipeline.database import options
from aap_pipeline.database.connection import Connection
from aap_pipeline.database.locks import LockKind, advisory_xact_lock
from aap_pipeline.database.statements import listed, statement
from aap_pipeline.documents.columns import JOB_COLUMNS, REFERENCE_COLUMNS, SUMMARY_COLUMNS

_BATCH_JOBS: Final = 500
_KEPT: Final = ("id", "internal_created", "internal_modified")
_COLUMNS: Final = {
    "job": listed((*_KEPT, "cluster_id", *JOB_COLUMNS, *REFERENCE_COLUMNS)),
    "label": listed((*_KEPT, "job_id", "label_id")),
    "summary": listed((*_KEPT, "job_id", "host_id", *SUMMARY_COLUMNS)),
}


@dataclass(frozen=True)
class Moved:
    """Rows that changed their place."""

    jobs: int = 0
    labels: int = 0
    host_summaries: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.jobs + other.jobs, self.labels + other.labels, self.host_summaries + other.host_summaries)


@dataclass(frozen=True)
class Archiving:
    """What one pass did: moved into the archive, and back out of it."""

    archived: Moved
    restored: Moved


def archive(
    connection: Connection, *, batch_jobs: int = _BATCH_JOBS, progress: Callable[[Moved], None] = lambda _: None
) -> Archiving:
    """Make the archive what archive_after_days says: older jobs into it, younger ones (or all, for 0) out of it.

    Each batch is one transaction: killed at any instant, it goes on from there. It waits for the batch that core may be
    storing for the cluster, and core for it, which takes a fraction of a second.
    """
    days = options.get(connection, options.ARCHIVE_AFTER_DAYS)
    connection.commit()
    archived, restored = Moved(), Moved()
    for cluster in clusters(connection):
        connection.commit()
        values = {"cluster": cluster.id, "days": days, "jobs": batch_jobs}
        if days:
            archived += _move(connection, "upkeep/archive_jobs", values, progress)
        restored += _move(connection, "upkeep/restore_jobs", values, progress)
    connection.commit()
    return Archiving(archived, restored)


def moving(name: LiteralString) -> Composed:
    """`upkeep/archive_jobs` or `upkeep/restore_jobs` with the columns of the tables."""
    return SQL(statement(name)).format(**_COLUMNS)


def _move(
    connection: Connection, name: LiteralString, values: dict[str, int], progress: Callable[[Moved], None]
) -> Moved:
    total = Moved()
    while True:
        with connection.transaction():
            advisory_xact_lock(connection, LockKind.PARSE, values["cluster"])
            row = connection.execute(moving(name), values).fetchone()
        moved = Moved(*row) if row else Moved()
        total += moved
        if moved.jobs < values["jobs"]:
            return total
        progress(total)

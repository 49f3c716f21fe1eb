"""Core rebuilt from the archive of parsed documents, without the API."""

from __future__ import annotations

from aap_pipeline.core.parse import BATCH_BYTES, BATCH_SIZE, ParseResult, Progress, run
from aap_pipeline.core.source import Bounds, Selection, Source
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError


class NothingArchived(PipelineError):
    """There is no document from which core could be rebuilt."""


def rebuild(
    url: str, cluster_id: int, progress: Progress | None = None, *, batch_size: int = BATCH_SIZE
) -> ParseResult:
    """Store every archived document of the cluster again, oldest first, over what is there.

    Rows that the archive covers end as their newest document says, whether they were damaged, emptied or fine; ids,
    minutes of templates and rows older than the archive stay. Syncs may go on meanwhile: what they store is stored once
    more, after the older documents that this may have put over it. Raises NothingArchived.
    """
    total, reached = ParseResult(), 0
    with connect(url, autocommit=True) as connection:
        while newest := _newest_archived(connection, cluster_id, reached):
            selection = Selection(Source.ARCHIVE, cluster_id, after=reached)
            total.merge(run(url, selection, Bounds(batch_size, BATCH_BYTES), progress))
            reached = newest
    if not reached:
        raise NothingArchived(
            f"No documents of this cluster ({cluster_id}) are archived: set raw_retention_days above 0 to keep those "
            "of coming syncs, or sync again from the controller with --since."
        )
    return total


def _newest_archived(connection: Connection, cluster_id: int, after: int) -> int | None:
    """Id of the newest archived document, if there is one above `after`."""
    values = {"cluster_id": cluster_id, "after": after}
    row = connection.execute(statement("core/newest_archived"), values).fetchone()
    return row[0] if row else None

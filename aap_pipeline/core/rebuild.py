"""Rebuild core from the archive of parsed documents, without the API."""

from aap_pipeline.core.batch import ParseResult
from aap_pipeline.core.parse import BATCH_SIZE, Progress, run
from aap_pipeline.core.source import Selection, Source
from aap_pipeline.database.connection import Connection, connect
from aap_pipeline.database.statements import statement
from aap_pipeline.errors import PipelineError


def rebuild(
    url: str, cluster_id: int, progress: Progress | None = None, *, batch_size: int = BATCH_SIZE
) -> ParseResult:
    """Store every archived document of the cluster again, oldest first.

    Rows in the archive get the content of their newest document, even if they were damaged or deleted. Ids, minutes of
    templates and rows older than the archive stay. Concurrent syncs are safe: documents that arrive meanwhile are
    stored again at the end. Raises PipelineError.
    """
    total, reached = ParseResult(), 0
    with connect(url, autocommit=True) as connection:
        while newest := _newest_archived(connection, cluster_id, reached):
            selection = Selection(Source.ARCHIVE, cluster_id, after=reached)
            total.merge(run(url, selection, progress, batch_size))
            reached = newest
    if not reached:
        raise PipelineError(
            "The archive has no documents of this cluster. To read its jobs from the controller again, run "
            "`aap-pipeline sync --cluster NAME --since DAY`; to archive documents from now on, run `aap-pipeline "
            "settings set raw_retention_days 30`."
        )
    return total


def _newest_archived(connection: Connection, cluster_id: int, after: int) -> int | None:
    """Return the id of the newest archived document above `after`, if any."""
    values = {"cluster_id": cluster_id, "after": after}
    row = connection.execute(statement("core/newest_archived"), values).fetchone()
    return row[0] if row else None
